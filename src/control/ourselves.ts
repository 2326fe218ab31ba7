import type { Config } from '../config/index.ts';
import type { ProbedUpstream } from './self-probe.ts';

/** Every upstream of a config, as the self probe asks it. */
export function upstreamsOf(config: Config): ProbedUpstream[] {
  return config.networks.flatMap(({ name: network, upstreams }) =>
    upstreams.flatMap(({ name, url, ws_url: socketUrl }) => {
      const origins = new Set(socketUrl === null ? [url.origin] : [url.origin, socketUrl.origin]);
      return [...origins].map((origin) => ({ network, name, url: origin }));
    }),
  );
}

/** Why a config with these upstreams cannot be used. */
export function sayOurselves(own: readonly ProbedUpstream[]): string {
  const named = own.map(({ network, url }) => `${url} (network ${network})`).join(', ');
  return `an upstream is this very gateway: ${named}; name the node's own address`;
}
