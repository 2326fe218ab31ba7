import type { UpstreamConfig } from '../config.ts';
import type { Path } from '../problem.ts';
import { isLoopback } from '../schema/addresses.ts';
import type { ParsedConfig } from '../schema/index.ts';
import type { CheckContext } from './context.ts';

/** Credentials are given once, and not sent in the clear. */
export function checkCredentials(
  { error, warn }: CheckContext,
  upstream: UpstreamConfig,
  { auth }: ParsedConfig['upstreams'][number],
  path: Path,
): void {
  const { url } = upstream;
  const names = Object.keys(upstream.headers).map((name) => name.toLowerCase());
  const inHeaders = names.includes('authorization');
  if (auth) {
    if (auth.basic && auth.bearer !== null) {
      error([...path, 'auth'], 'both basic and bearer are given', 'keep one', 'key');
    } else if (!auth.basic && auth.bearer === null) {
      error([...path, 'auth'], 'neither basic nor bearer is given', 'add bearer: ${A_VARIABLE}', 'key');
    }
    if (url.authorization !== null) {
      error([...path, 'auth'], 'credentials are given both here and in the URL', 'keep one', 'key');
    }
  }
  if (inHeaders && upstream.authorization !== null) {
    const where = url.authorization === null ? 'auth' : 'the URL';
    error([...path, 'headers'], `authorization is given both here and in ${where}`, 'keep one', 'key');
  }
  const credentials =
    upstream.authorization !== null || names.some((name) => /auth|key|token|cookie|secret/.test(name));
  if (credentials && !url.tls && !isLoopback(url.host)) {
    warn([...path, 'url'], 'credentials cross the network in the clear', 'use https');
  }
  const socketUrl = upstream.ws_url;
  if (socketUrl !== null && !socketUrl.tls && !isLoopback(socketUrl.host)) {
    if (credentials || socketUrl.authorization !== null)
      warn([...path, 'ws_url'], 'credentials cross the network in the clear', 'use wss');
  }
}
