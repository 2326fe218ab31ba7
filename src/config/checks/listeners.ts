import { formatListen, isLoopback, sameListen } from '../schema/addresses.ts';
import type { CheckContext } from './context.ts';

export function checkListeners({ config, error, warn }: CheckContext): void {
  const { server, admin, identity, keys } = config;
  if (admin.listen !== 'none') {
    if (sameListen(server.listen, admin.listen)) {
      error(
        ['admin', 'listen'],
        `the same address as server.listen (${formatListen(server.listen)}): callers would reach the admin pages`,
        'give each its own port',
        'value',
        ['server', 'listen'],
      );
    } else if (!isLoopback(admin.listen.host)) {
      if (admin.token === null) {
        error(
          ['admin', 'listen'],
          `${formatListen(admin.listen)} is open to other machines, and there is no admin.token`,
          'set admin.token, or listen on 127.0.0.1',
        );
      } else {
        warn(
          ['admin', 'listen'],
          'the admin token crosses the network in the clear',
          'put TLS in front, or use loopback',
        );
      }
    }
  }
  for (const [index, network] of server.trusted_proxies.entries()) {
    if (/\/0+$/.test(network)) {
      warn(
        ['server', 'trusted_proxies', index],
        `${network} trusts every peer: any caller can claim any address`,
        'name your load balancer’s network',
      );
    }
  }
  if (server.request_timeout < server.header_timeout) {
    error(
      ['server', 'request_timeout'],
      'shorter than header_timeout, which is a part of it',
      undefined,
      'value',
      ['server', 'header_timeout'],
    );
  }
  if (server.max_connections_per_address > server.max_connections) {
    warn(['server', 'max_connections_per_address'], 'larger than max_connections: it never takes effect');
  }
  if (identity.anonymous === 'deny' && keys.length === 0) {
    warn(
      ['identity', 'anonymous'],
      'callers without a key are refused, and no key is configured: nobody can call',
    );
  }
}
