import type { Config, UpstreamConfig } from '../config.ts';
import { formatDuration, formatSize } from '../quantity.ts';

type Say = (sentence: string) => void;

export function planNetworks(from: Config, to: Config, say: Say): void {
  const before = new Map(from.networks.map((network) => [network.name, network]));
  for (const network of to.networks) {
    const old = before.get(network.name);
    before.delete(network.name);
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
  }
  for (const { name, path } of before.values())
    say(`Network ${name} is removed: callers of ${path} get 404.`);
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
    if (!old) {
      say(`${name} is added (${upstream.url.origin}).`);
      continue;
    }
    if (old.url.origin !== upstream.url.origin) {
      say(`${name} moves from ${old.url.origin} to ${upstream.url.origin}: its connections are opened anew.`);
    } else if (old.url.path !== upstream.url.path) say(`${name} is called at another path.`);
    if (old.url.authorization !== upstream.url.authorization)
      say(`${name} is called with other credentials.`);
    if (JSON.stringify(old.headers) !== JSON.stringify(upstream.headers))
      say(`${name} is sent other headers.`);
    for (const [field, show] of Object.entries(shownFields)) {
      const [a, b] = [old, upstream].map((one) => one[field as keyof typeof shownFields]);
      if (a !== b) say(`${name}: ${field} changes from ${show(a as never)} to ${show(b as never)}.`);
    }
    if (JSON.stringify(old.batch) !== JSON.stringify(upstream.batch)) {
      const size = ({ batch }: UpstreamConfig): string =>
        `${batch.max_size} calls and ${formatSize(batch.max_bytes)}`;
      say(`${name}: batches change from at most ${size(old)} to ${size(upstream)}.`);
    }
  }
  for (const name of before.keys())
    say(`Upstream ${name} of network ${network} is removed: calls under way are finished.`);
}

const shownFields = {
  mode: String,
  max_idle: String,
  idle_timeout: formatDuration,
  max_connections: String,
  connect_timeout: formatDuration,
  first_byte_timeout: formatDuration,
  timeout: formatDuration,
  max_response_bytes: formatSize,
} as const;
