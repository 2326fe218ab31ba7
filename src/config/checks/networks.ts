import { looksLikeKey } from '../../identity/index.ts';
import type { CheckContext } from './context.ts';

/** `/healthz` the public listener answers itself; of the others tools and browsers ask without being told. */
const reservedPaths = ['/healthz', '/readyz', '/metrics', '/.well-known', '/robots.txt', '/favicon.ico'];

export function checkNetworks({ config, parsed, error }: CheckContext): void {
  const given = Object.keys(parsed.networks).length;
  if (given > 0 && parsed.upstreams.length > 0) {
    error(['upstreams'], 'both networks and upstreams are given', 'move these into a network', 'key');
  } else if (given === 0 && parsed.upstreams.length === 0) {
    error(
      [],
      'no upstream: neither upstreams nor networks is given',
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
    );
  }
  const seen = new Map<string, string>();
  for (const { name, path } of config.networks) {
    const at = ['networks', name, 'path'];
    const other = seen.get(path);
    if (other !== undefined)
      error(at, `${path} is the path of network ${other}, too`, 'give each its own path');
    else seen.set(path, name);
    if (reservedPaths.includes(path))
      error(at, `${path} is answered by the gateway itself`, 'choose another path');
    else if (looksLikeKey(path.slice(1))) {
      error(
        at,
        'a path shaped like a key (22 characters and more): callers of it would be told their key is wrong',
        'choose a shorter path',
      );
    }
  }
}
