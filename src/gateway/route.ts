import type { PolicySnapshot } from '../config/index.ts';
import { type keyConflict, keyInQuery, looksLikeKey } from '../identity/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';

/** What a request target names. */
export interface Route {
  /** Path without query. */
  path: string;
  /** Index of the network; -1 if none is served there. */
  network: number;
  /** The path's segment where a key may stand, or undefined. */
  pathKey: string | undefined;
  queryKey: string | typeof keyConflict | undefined;
}

/** Networks by their path; `/` only where a network is served there. */
export type NetworkPaths = ReadonlyMap<string, number>;

export function networkPaths(snapshot: PolicySnapshot): NetworkPaths {
  return new Map(snapshot.networks.map((network) => [withoutTrailingSlash(network.path), network.index]));
}

/**
 * Reads `/`, `/<network>`, `/<key>` and `/<network>/<key>`, with or without a trailing slash. An exact
 * network path wins over a key in its place. Percent-encoding is not undone: keys and paths need none.
 */
export function routeOf(target: string, paths: NetworkPaths): Route {
  const question = target.indexOf('?');
  const path = withoutTrailingSlash(question < 0 ? target : target.slice(0, question));
  const queryKey = question < 0 ? undefined : keyInQuery(target.slice(question + 1));
  const exact = paths.get(path);
  if (exact !== undefined) return { path, network: exact, pathKey: undefined, queryKey };
  const slash = path.lastIndexOf('/');
  const parent = paths.get(withoutTrailingSlash(path.slice(0, slash + 1)));
  return { path, network: parent ?? -1, pathKey: path.slice(slash + 1) || undefined, queryKey };
}

/** Whether a target names nothing that is served. */
export function isOffRoute({ network, pathKey }: Route): boolean {
  return network < 0 || (pathKey !== undefined && !looksLikeKey(pathKey));
}

/** What such a target is answered: a path shaped like a key is one that nobody has. */
export function offRoute({ pathKey }: Route): RefusalCode {
  return pathKey !== undefined && looksLikeKey(pathKey) ? 'unauthorized' : 'path_not_found';
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
