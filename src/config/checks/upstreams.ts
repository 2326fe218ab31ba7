import { isDeepStrictEqual } from 'node:util';
import type { UpstreamConfig } from '../config.ts';
import type { Path } from '../problem.ts';
import { isLoopback, isWildcard, type ListenAddress } from '../schema/addresses.ts';
import { defaultOf } from '../schema/facts.ts';
import { upstream as schema } from '../schema/upstream.ts';
import { deniedOf } from '../network-compiler.ts';
import type { CheckContext } from './context.ts';
import { checkCredentials } from './credentials.ts';
import { hides } from './methods.ts';

const defaults = {
  connect: defaultOf(schema, 'connect_timeout'),
  firstByte: defaultOf(schema, 'first_byte_timeout'),
  batch: defaultOf(schema, 'batch'),
};

export function checkUpstreams(context: CheckContext): void {
  const { config, parsed, upstreamsPath, error } = context;
  for (const network of config.networks) {
    const base = upstreamsPath(network.name);
    const written = parsed.upstreams.length > 0 ? parsed.upstreams : parsed.networks[network.name]?.upstreams;
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
      checkCredentials(context, upstream, written![index]!, path);
    }
  }
}

function checkUpstream(context: CheckContext, upstream: UpstreamConfig, path: Path): void {
  const { config, error, warn } = context;
  const {
    url,
    ws_url: socketUrl,
    connect_timeout: connect,
    first_byte_timeout: firstByte,
    timeout,
  } = upstream;
  for (const [what, listen] of [
    ['server.listen', config.server.listen],
    ['admin.listen', config.admin.listen],
  ] as const) {
    for (const [field, address] of [
      ['url', url],
      ['ws_url', socketUrl],
    ] as const) {
      if (listen === 'none' || address === null || !reaches(address.host, address.port, listen)) continue;
      error(
        [...path, field],
        `is this gateway itself (${what}): every call would go round in circles`,
        'name the node',
      );
    }
  }
  // A default is no mistake of the operator's: a short timeout simply comes first.
  if (connect > timeout && connect !== defaults.connect) {
    error([...path, 'connect_timeout'], 'longer than timeout, the time for the whole call');
  }
  if (firstByte > timeout && firstByte !== defaults.firstByte) {
    error([...path, 'first_byte_timeout'], 'longer than timeout, the time for the whole call');
  }
  const names = Object.keys(upstream.headers).map((name) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) error([...path, 'headers'], `header ${twice} is given twice`, undefined, 'key');
  if (upstream.max_idle > upstream.max_connections) {
    warn([...path, 'max_idle'], 'more than max_connections: it never takes effect');
  }
  if (upstream.mode !== 'batched' && !isDeepStrictEqual(upstream.batch, defaults.batch)) {
    warn([...path, 'batch'], `has no effect in mode ${upstream.mode}`, 'set mode: batched', 'key');
  }
  if (upstream.http2 && upstream.mode === 'pipelined') {
    error(
      [...path, 'mode'],
      'HTTP/2 carries calls side by side without it: pipelined is of HTTP/1.1',
      'set mode: single',
    );
  }
  if (upstream.tls && !url.tls && socketUrl?.tls !== true) {
    error(
      [...path, 'tls'],
      'the URL is http: no TLS is spoken with this node',
      'write https:// in url',
      'key',
    );
  }
  const { workers } = config.server;
  if (workers !== 'auto' && upstream.max_in_flight > 0 && upstream.max_in_flight < workers) {
    warn(
      [...path, 'max_in_flight'],
      `fewer than the ${workers} workers (server.workers): they wait for one another`,
    );
  }
  checkPatterns(context, upstream, path);
}

function checkPatterns({ error, warn }: CheckContext, upstream: UpstreamConfig, path: Path): void {
  const { allowed, denied } = upstream.methods;
  for (const [index, pattern] of denied.entries()) {
    if (allowed.includes(pattern)) {
      error([...path, 'methods', 'denied', index], `${pattern} is allowed and denied`, 'keep one');
    }
  }
  for (const [index, pattern] of allowed.entries()) {
    const hidden = deniedOf(upstream).find((one) => one !== pattern && hides(one, pattern));
    if (hidden !== undefined) {
      warn([...path, 'methods', 'allowed', index], `every method it fits is denied by ${hidden}`);
    }
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
