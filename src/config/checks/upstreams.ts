import type { UpstreamConfig } from '../config.ts';
import type { Path } from '../problem.ts';
import { isLoopback, isWildcard, type ListenAddress } from '../schema/addresses.ts';
import type { CheckContext } from './context.ts';

export function checkUpstreams(context: CheckContext): void {
  const { config, upstreamsPath, error } = context;
  for (const network of config.networks) {
    const base = upstreamsPath(network.name);
    const names = new Map<string, number>();
    for (const [index, upstream] of network.upstreams.entries()) {
      const path = [...base, index];
      const first = names.get(upstream.name);
      if (first === undefined) names.set(upstream.name, index);
      else {
        error(
          [...path, 'name'],
          (lineOf) => `a second upstream named ${upstream.name}, the first is on ${lineOf([...base, first])}`,
          'give them different names',
        );
      }
      checkUpstream(context, upstream, path);
    }
  }
}

function checkUpstream({ config, error, warn }: CheckContext, upstream: UpstreamConfig, path: Path): void {
  const { url, connect_timeout: connect, first_byte_timeout: firstByte, timeout } = upstream;
  for (const [what, listen] of [
    ['server.listen', config.server.listen],
    ['admin.listen', config.admin.listen],
  ] as const) {
    if (listen !== 'none' && reaches(url.host, url.port, listen)) {
      error(
        [...path, 'url'],
        `is this gateway itself (${what}): every call would go round in circles`,
        'name the node',
      );
    }
  }
  // A default is no mistake of the operator's: a short timeout simply comes first.
  if (connect > timeout && connect !== 5000) {
    error([...path, 'connect_timeout'], 'longer than timeout, the time for the whole call');
  }
  if (firstByte > timeout && firstByte !== 30_000) {
    error([...path, 'first_byte_timeout'], 'longer than timeout, the time for the whole call');
  }
  const names = Object.keys(upstream.headers).map((name) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) error([...path, 'headers'], `header ${twice} is given twice`, undefined, 'key');
  const inHeaders = names.includes('authorization');
  if (url.authorization !== null && inHeaders) {
    error([...path, 'headers'], 'authorization is given both here and in the URL', 'keep one', 'key');
  }
  const credentials =
    url.authorization !== null || names.some((name) => /auth|key|token|cookie|secret/.test(name));
  if (credentials && !url.tls && !isLoopback(url.host)) {
    warn([...path, 'url'], 'credentials cross the network in the clear', 'use https');
  }
  if (upstream.max_idle > upstream.max_connections) {
    warn([...path, 'max_idle'], 'more than max_connections: it never takes effect');
  }
  if (
    upstream.mode !== 'batched' &&
    (upstream.batch.max_size !== 20 || upstream.batch.max_bytes !== 262_144)
  ) {
    warn([...path, 'batch'], `has no effect in mode ${upstream.mode}`, 'set mode: batched', 'key');
  }
}

/** Does a connection to host:port end at the listener? By address only: names are looked up at start. */
function reaches(host: string, port: number, listen: ListenAddress): boolean {
  if (port !== listen.port) return false;
  if (host === listen.host) return true;
  const localTarget = isLoopback(host) || isWildcard(host);
  if (isWildcard(listen.host)) return localTarget;
  // 0.0.0.0 as a target is this machine's loopback; localhost may be 127.0.0.1 or ::1.
  return (
    localTarget &&
    isLoopback(listen.host) &&
    (isWildcard(host) || host === 'localhost' || listen.host === 'localhost')
  );
}
