import type { Config, NetworkConfig, UpstreamConfig } from '../config.ts';
import { formatCacheFor } from '../schema/cache-for.ts';
import { factsOf } from '../schema/facts.ts';
import { networkSettings } from '../schema/network-settings.ts';
import { planUpstream } from './upstreams.ts';
import { changeText, some } from './words.ts';

type Say = (sentence: string) => void;

export function planNetworks(from: Config, to: Config, say: Say): void {
  const before = new Map(from.networks.map((network) => [network.name, network]));
  const kept: [NetworkConfig, NetworkConfig][] = [];
  for (const network of to.networks) {
    const old = before.get(network.name);
    before.delete(network.name);
    if (old) kept.push([old, network]);
  }
  planAllSettings(kept, say);
  for (const network of to.networks) {
    const old = kept.find(([, one]) => one === network)?.[0];
    if (!old) {
      say(
        `Network ${network.name} is added at ${network.path}, calling ${network.upstreams.map((one) => one.url.origin).join(', ')}.`,
      );
      continue;
    }
    if (old.path !== network.path)
      say(
        `Network ${network.name} moves from ${old.path} to ${network.path}: callers of the old path get 404.`,
      );
    planUpstreams(network.name, old.upstreams, network.upstreams, say);
    if (old.cache.enabled && network.cache.enabled && nodesOf(old) !== nodesOf(network))
      say(`Network ${network.name} has other nodes: cached answers are dropped.`);
  }
  for (const { name, path } of before.values())
    say(`Network ${name} is removed: callers of ${path} get 404.`);
}

/** Addresses, in order. */
function nodesOf({ upstreams }: NetworkConfig): string {
  return JSON.stringify(upstreams.map(({ url }) => [url.origin, url.path]));
}

/** What follows from a setting's change, beside that it holds for the calls that come then. */
const effects: Readonly<Record<string, string>> = {
  kind: 'Its cache is dropped; connections are kept.',
  chain_id: 'Its cache is dropped and its upstreams are checked anew; connections are kept.',
  'cache.enabled': 'Cached answers are dropped.',
  'cache.shared': 'What workers keep stays.',
  'cache.methods': 'Cached answers are dropped.',
  'cache.head_ttl': 'Cached answers are dropped.',
  'cache.finality_depth': 'Cached answers are dropped.',
};

/** One sentence for a change, whichever networks have it: one at the top of the file changes many. */
function planAllSettings(networks: readonly [NetworkConfig, NetworkConfig][], say: Say): void {
  const told = new Map<string, string[]>();
  for (const [from, to] of networks) {
    const [before, after] = [settingsOf(from), settingsOf(to)];
    for (const [path, { value: now, type }] of after) {
      const old = before.get(path)?.value;
      if (JSON.stringify(old) === JSON.stringify(now)) continue;
      const effect = effects[path];
      const text = `${changeText(path, old, now, type)}${effect === undefined ? '' : ` ${effect}`}`;
      told.set(text, [...(told.get(text) ?? []), to.name]);
    }
  }
  for (const [sentence, names] of told)
    say(`${names.length === 1 ? 'Network' : 'Networks'} ${some(names)}: ${sentence}`);
}

/** By path, as they are said. */
function settingsOf(network: NetworkConfig): Map<string, { value: unknown; type: string }> {
  const settings = new Map<string, { value: unknown; type: string }>();
  for (const [name, schema] of Object.entries(networkSettings)) {
    const value = network[name as keyof typeof networkSettings];
    const { type, fields = {} } = factsOf(schema);
    if (type !== 'section') settings.set(name, { value, type });
    else {
      for (const [field, inner] of Object.entries(value as object))
        settings.set(`${name}.${field}`, { value: inner, type: factsOf(fields[field]!).type });
    }
  }
  const { call } = network.health;
  settings.set('health.call', { value: call && `${call.method} ${call.params}`, type: '' });
  const kept = Object.entries(network.cache.methods).map(([pattern, ms]) => [pattern, formatCacheFor(ms)]);
  settings.set('cache.methods', { value: Object.fromEntries(kept), type: '' });
  return settings;
}

function planUpstreams(
  network: string,
  from: readonly UpstreamConfig[],
  to: readonly UpstreamConfig[],
  say: Say,
): void {
  const before = new Map(from.map((upstream) => [upstream.name, upstream]));
  for (const upstream of to) {
    const old = before.get(upstream.name);
    before.delete(upstream.name);
    const name = `Upstream ${upstream.name} of network ${network}`;
    const { tier, url } = upstream;
    if (old) planUpstream(name, old, upstream, say);
    else say(`${name} is added (${url.origin}${tier === 'fallback' ? ', fallback' : ''}).`);
  }
  for (const name of before.keys())
    say(`Upstream ${name} of network ${network} is removed: calls under way are finished.`);
}
