import type { Config, UpstreamConfig } from './config.ts';
import { ruleText } from './plan/limits.ts';
import { formatListen } from './schema/addresses.ts';

/** What is configured, in a few lines for people. Names no secret. */
export function summarize(config: Config): string[] {
  const { server, admin, networks, limits, keys, methods, identity } = config;
  const lines = [
    `listens on ${server.tls ? 'https' : 'http'}://${formatListen(server.listen)}, admin ${admin.listen === 'none' ? 'off' : `on ${formatListen(admin.listen)}`}${admin.token ? ' with a token' : ''}`,
    ...networks.map(
      ({ name, path, upstreams }) => `network ${name} at ${path} → ${upstreamsText(upstreams)}`,
    ),
    limits.default.length > 0
      ? `by default ${limits.default.map(ruleText).join(', then ')}`
      : 'no default limit',
  ];
  const count = (amount: number, one: string, many = `${one}s`): string =>
    `${amount} ${amount === 1 ? one : many}`;
  const rules = Object.keys(limits.groups).length + Object.keys(limits.methods).length;
  const more = [
    rules > 0 && count(rules, 'more rule'),
    limits.ceilings.length > 0 && count(limits.ceilings.length, 'ceiling'),
    Object.keys(methods.groups).length > 0 && count(Object.keys(methods.groups).length, 'method group'),
    Object.keys(methods.costs).length > 0 && count(Object.keys(methods.costs).length, 'cost'),
    methods.blocked.length > 0 && count(methods.blocked.length, 'blocked pattern'),
  ].filter((one) => one !== false);
  if (more.length > 0) lines.push(more.join(', '));
  const quotas = keys.filter(({ quota }) => quota !== null).length;
  lines.push(
    `${count(keys.length, 'key')}${quotas > 0 ? `, ${quotas} with a quota` : ''}; callers without one are ${identity.anonymous === 'allow' ? 'told apart by address' : 'refused'}`,
  );
  return lines;
}

/** Primaries, then fallbacks. */
function upstreamsText(upstreams: readonly UpstreamConfig[]): string {
  const text = (tier: UpstreamConfig['tier']): string =>
    upstreams
      .filter((one) => one.tier === tier)
      .map((one) => `${one.url.origin} (${one.mode}${one.http2 ? ', HTTP/2' : ''})`)
      .join(', ');
  const fallback = text('fallback');
  return fallback === '' ? text('primary') : `${text('primary')}; fallback ${fallback}`;
}
