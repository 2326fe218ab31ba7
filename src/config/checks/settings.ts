import { matchMethod, patternMatches } from '../../jsonrpc/index.ts';
import type { NetworkConfig } from '../config.ts';
import { cheapMethods, otherKnownMethods, unsafeMethods } from '../ethereum-methods.ts';
import type { Path } from '../problem.ts';
import { defaultOf } from '../schema/facts.ts';
import { networkSettings } from '../schema/network-settings.ts';
import type { CheckContext } from './context.ts';
import { hides } from './methods.ts';

const INTERVAL_MIN_MS = 100;
const defaults = {
  maxBlockLag: networkSettings.max_block_lag.parse(undefined),
  backoffMs: defaultOf(networkSettings.retry, 'backoff'),
  entryBytesMax: defaultOf(networkSettings.cache, 'max_entry_bytes'),
};

/** What networks' settings say together, be they written at the top or in the network. */
export function checkSettings(context: CheckContext): void {
  for (const network of context.config.networks) {
    checkChain(context, network);
    checkAttempts(context, network);
    checkCache(context, network);
  }
}

type Say = (path: Path, message: string, suggestion?: string, at?: 'value' | 'key') => void;

/** What holds for several networks is said once. */
function once(context: CheckContext, say: Say): Say {
  return (path, message, suggestion, at) => {
    const id = `${JSON.stringify(path)} ${message}`;
    if (context.told.has(id)) return;
    context.told.add(id);
    say(path, message, suggestion, at);
  };
}

function checkChain(context: CheckContext, network: NetworkConfig): void {
  const { name, kind, chain_id: chainId, health, max_block_lag: lag } = network;
  const error = once(context, context.error);
  const warn = once(context, context.warn);
  const at = (...path: string[]): Path => context.settingPath(name, path);
  if (chainId !== null && kind === 'generic') {
    error(at('chain_id'), 'kind: generic has no chain id to check', 'leave it out, or set kind: ethereum');
  }
  if (health.interval > 0 && health.interval < INTERVAL_MIN_MS) {
    error(at('health', 'interval'), 'shorter than 100ms', 'write 100ms or more, or 0 for no checks');
  }
  if (lag !== defaults.maxBlockLag && (health.interval === 0 || kind === 'generic')) {
    const why =
      kind === 'generic' ? 'kind: generic has no blocks' : 'with health.interval 0 no head is known';
    warn(at('max_block_lag'), `has no effect: ${why}`);
  }
  if (kind === 'ethereum' && health.call !== null) {
    warn(
      at('health', 'call'),
      'takes the place of Ethereum’s own checks: no head is known, none is behind, and only what cache.methods names is kept',
    );
  }
}

function checkAttempts(context: CheckContext, network: NetworkConfig): void {
  const { name, retry, hedge, upstreams } = network;
  const error = once(context, context.error);
  const warn = once(context, context.warn);
  const at = (...path: string[]): Path => context.settingPath(name, path);
  // A default is no mistake of the operator's: a shorter max_backoff simply holds.
  if (retry.backoff > retry.max_backoff && retry.backoff !== defaults.backoffMs) {
    error(at('retry', 'backoff'), 'longer than max_backoff', 'raise max_backoff');
  }
  if (hedge.min_delay > hedge.max_delay) {
    error(at('hedge', 'min_delay'), 'longer than max_delay', 'raise max_delay');
  }
  if (!hedge.enabled) return;
  if (retry.budget === 0) {
    warn(at('hedge', 'enabled'), 'has no effect: retry.budget is 0', 'give retry.budget a share such as 10%');
  }
  const path = at('hedge', 'enabled');
  const everywhere = path[0] !== 'networks';
  const single = everywhere
    ? context.config.networks.every((one) => one.upstreams.length === 1)
    : upstreams.length === 1;
  if (single) warn(path, 'has no effect: there is one upstream, and nobody else to ask');
}

function checkCache(context: CheckContext, { name, cache }: NetworkConfig): void {
  if (!cache.enabled) return;
  const error = once(context, context.error);
  const at = (...path: string[]): Path => context.settingPath(name, ['cache', ...path]);
  if (cache.max_entry_bytes > cache.max_bytes && cache.max_entry_bytes !== defaults.entryBytesMax) {
    error(at('max_entry_bytes'), 'more than max_bytes, the whole cache');
  }
  if (cache.shared && context.parsed.redis === null) {
    error(at('shared'), 'there is no Redis to share by', 'give redis: redis://host:6379, or leave it out');
  }
  const kept = Object.entries(cache.methods);
  const unsafe = [...unsafeMethods, ...context.config.methods.unsafe];
  const fitted = new Map<string, Set<string>>();
  for (const { method, shown } of unsafeSamples(unsafe, kept)) {
    const best = matchMethod(method, kept, ([pattern]) => pattern);
    if (!best || best[1] === 0) continue;
    const names = fitted.get(best[0]) ?? new Set();
    fitted.set(best[0], names.add(shown));
  }
  for (const [pattern, names] of fitted) {
    const all = [...names];
    const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
    error(
      at('methods', pattern),
      `fits ${all.slice(0, 3).join(', ')}${more}: what changes something is answered once for each call`,
      more !== '' || all.some((one) => hides(one, pattern))
        ? 'name the reads only'
        : `name the reads only, or add ${all.map((one) => `${JSON.stringify(one)}: off`).join(', ')}`,
      'key',
    );
  }
}

/** Known unsafe names, one name for each unsafe pattern, and the cached patterns that an unsafe one holds. */
function unsafeSamples(
  unsafe: readonly string[],
  kept: readonly [string, number][],
): { method: string; shown: string }[] {
  const names = [...cheapMethods, ...otherKnownMethods].filter((method) =>
    unsafe.some((pattern) => patternMatches(pattern, method)),
  );
  return [
    ...names.map((method) => ({ method, shown: method })),
    ...unsafe.map((pattern) => ({ method: pattern.replaceAll('*', ''), shown: pattern })),
    ...kept.flatMap(([cached]) => {
      const shown = unsafe.find((pattern) => hides(pattern, cached));
      return shown === undefined ? [] : [{ method: cached, shown }];
    }),
  ];
}
