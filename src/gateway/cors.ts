import type { PolicySnapshot } from '../config/index.ts';
import { exposedHeaders } from './limit/limit-headers.ts';

/** CORS as header lines ready to send; null where it is off. Source: the Fetch standard, HTTP-network-or-cache fetch. */
export type CorsLines = {
  readonly anyOrigin: boolean;
  readonly origins: ReadonlySet<string>;
  readonly expose: string;
  readonly preflight: string;
} | null;

export function createCors({ server, limitHeaders }: PolicySnapshot): CorsLines {
  if (server.cors === null) return null;
  const { allowOrigins, allowHeaders, maxAgeSeconds } = server.cors;
  return {
    anyOrigin: allowOrigins.includes('*'),
    origins: new Set(allowOrigins),
    expose: `Access-Control-Expose-Headers: ${exposedHeaders(limitHeaders).join(', ')}\r\n`,
    preflight:
      'Access-Control-Allow-Methods: POST, OPTIONS\r\n' +
      `Access-Control-Allow-Headers: ${allowHeaders.join(', ')}\r\n` +
      `Access-Control-Max-Age: ${maxAgeSeconds}\r\n`,
  };
}

/** Lines for an answer to a page of `origin`; '' for callers that are no browser or not allowed. */
export function corsOf(cors: CorsLines, origin: string | undefined): string {
  const allow = allowLine(cors, origin);
  return allow === '' ? '' : allow + cors!.expose;
}

/** Lines for the answer to a preflight; without `Access-Control-Allow-Origin` the browser refuses by itself. */
export function preflightLines(cors: CorsLines, origin: string | undefined): string {
  const allow = allowLine(cors, origin);
  return allow === '' ? 'Vary: Origin\r\n' : allow + cors!.preflight;
}

function allowLine(cors: CorsLines, origin: string | undefined): string {
  if (cors === null || origin === undefined) return '';
  if (cors.anyOrigin) return 'Access-Control-Allow-Origin: *\r\n';
  return cors.origins.has(origin) ? `Access-Control-Allow-Origin: ${origin}\r\nVary: Origin\r\n` : '';
}
