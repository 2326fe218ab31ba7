import type { AdminPorts } from './ports.ts';
import { AdminProblem } from './problem.ts';

/** What a route gets. `body` is parsed JSON for POST, PUT and PATCH, else undefined. */
export interface AdminContext {
  ports: AdminPorts;
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  /** Whether the caller showed the token, or none is set. Always true in routes with `access: 'token'`. */
  authorized: boolean;
  /** The `Accept` header. */
  accept: string | undefined;
  /** The address that asks; undefined: it has gone. */
  peer: string | undefined;
}

/** JSON, or a text of another kind. */
export type AdminReply =
  | { status: number; body: object }
  | { status: number; text: string; contentType: string };

/** One verb on one resource. `path` segments that begin with a colon become `params`. */
export interface AdminRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  access: 'open' | 'token';
  handle(context: AdminContext): AdminReply | Promise<AdminReply>;
}

export interface RouteMatch {
  route: AdminRoute;
  params: Record<string, string>;
}

/** Finds the route of a request; throws not_found or method_not_allowed (with `Allow`). HEAD is served as GET. */
export function matchRoute(routes: readonly AdminRoute[], method: string, pathname: string): RouteMatch {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allowed: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path, pathname);
    if (params === undefined) continue;
    if (route.method === wanted) return { route, params };
    allowed.push(...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  }
  if (allowed.length === 0) throw new AdminProblem('not_found', 'no such path on the admin listener');
  throw new AdminProblem('method_not_allowed', `use ${allowed.join(' or ')}`, { allow: allowed.join(', ') });
}

function matchPath(pattern: string, pathname: string): Record<string, string> | undefined {
  const expected = pattern.split('/');
  const found = pathname.split('/');
  if (expected.length !== found.length) return undefined;
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, part] of expected.entries()) {
    const value = found[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== value) return undefined;
      continue;
    }
    if (value === '') return undefined;
    try {
      params[part.slice(1)] = decodeURIComponent(value);
    } catch {
      throw new AdminProblem('bad_request', 'the path holds a broken percent-escape');
    }
  }
  return params;
}
