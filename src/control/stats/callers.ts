import { type Identity, refusals, type ScopeView, type Top, type TopOrder } from '../../admin/index.ts';
import { callerOfAddress } from '../../identity/index.ts';
import { CALLER_COLUMNS, callAt, callerAt, type Figures, type SketchedAddress } from '../../metrics/index.ts';
import { callCountsOf, callsOf } from './call-counts.ts';
import type { KeyNames } from './key-names.ts';
import type { StatsSources } from './sources.ts';

type Who = Top['entries'][number];

/** Statistics by caller: keys exactly, addresses as the sketch has them. */
export interface CallerStats {
  top(from: CallerFigures, by: TopOrder, limit: number): Top;
  identity(from: CallerFigures, ref: string): Identity | { several: boolean; why: string };
}

/** Figures, and whose they are. */
export interface CallerFigures {
  figures: Pick<Figures, 'keys' | 'missedOfKey' | 'addresses'>;
  scope: ScopeView;
}

export function createCallerStats(
  { wallMs }: Pick<StatsSources, 'wallMs'>,
  names: KeyNames,
  ipv6Prefix: () => number,
): CallerStats {
  const time = () => new Date(wallMs()).toISOString();
  const nothing = new Float64Array(CALLER_COLUMNS);

  function ofKey(id: string, numbers: Float64Array, missed: number): Who {
    const key = names.byId(id);
    return {
      kind: 'key',
      id,
      name: key?.name ?? null,
      prefix: key?.prefix ?? null,
      ...countsOf(numbers, missed),
    };
  }

  function ofAddress({ address, numbers, missed }: SketchedAddress): Who {
    return { kind: 'address', id: address, name: null, prefix: null, ...countsOf(numbers, missed) };
  }

  return {
    top({ figures, scope }, by, limit) {
      const best = createBest(limit);
      figures.keys.each(({ name, numbers }) => {
        if (name !== '')
          best.offer(orders[by](numbers), () => ofKey(name, numbers.slice(), figures.missedOfKey(name)));
      });
      const { addresses, floor } = figures.addresses();
      for (const entry of addresses) best.offer(orders[by](entry.numbers), () => ofAddress(entry));
      return {
        at: time(),
        scope,
        by,
        entries: best.entries(),
        keys: figures.keys.size,
        addresses: { listed: addresses.length, unlistedCallsMax: floor },
      };
    },
    identity({ figures, scope }, ref) {
      const key = keyIdOf(ref);
      if (typeof key === 'string') {
        const numbers = figures.keys.find(key);
        if (numbers !== undefined || names.byId(key) !== undefined)
          return { at: time(), scope, ...ofKey(key, numbers ?? nothing, figures.missedOfKey(key)) };
      } else if (key !== undefined) return key;
      const address = callerOfAddress(ref.replace(/\/\d{1,3}$/, ''), ipv6Prefix());
      if (address === undefined)
        return { several: false, why: 'there is no key of that id, name or prefix, and it is no address' };
      const { addresses, floor } = figures.addresses();
      const found = addresses.find((entry) => entry.address === address.text);
      // Not listed: it may have called so often, and no more.
      const entry = found ?? { address: address.text, numbers: nothing, missed: floor };
      return { at: time(), scope, ...ofAddress(entry) };
    },
  };

  /** A key's id; undefined where no key is meant. */
  function keyIdOf(ref: string): string | { several: true; why: string } | undefined {
    if (/^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i.test(ref)) return ref.toLowerCase();
    const [first, ...others] = names.find(ref);
    if (others.length > 0)
      return { several: true, why: `${others.length + 1} keys have that name or prefix: ask by id` };
    return first?.id;
  }
}

function countsOf(
  numbers: Float64Array,
  missed: number,
): Pick<Who, 'counts' | 'latencySumMicros' | 'lastSeenAt' | 'missedCallsMax'> {
  const seen = numbers[callerAt.lastSeenMs]!;
  return {
    counts: callCountsOf(numbers),
    latencySumMicros: Math.round(numbers[callAt.totalMicros]!),
    lastSeenAt: seen === 0 ? null : new Date(seen).toISOString(),
    missedCallsMax: missed,
  };
}

const refusedColumns = refusals.map((name) => callAt[name]);
const orders: Record<TopOrder, (numbers: Float64Array) => number> = {
  calls: callsOf,
  cost: (numbers) => numbers[callAt.cost]!,
  refused: (numbers) => refusedColumns.reduce((sum, at) => sum + numbers[at]!, 0),
  bytes: (numbers) => numbers[callAt.bytesIn]! + numbers[callAt.bytesOut]!,
};

/** The greatest of many, the first of equals first; entries are made only of those that may be among them. */
function createBest(limit: number) {
  let kept: { value: number; order: number; who: Who }[] = [];
  let least = 0;
  let offered = 0;
  const cut = () => {
    kept.sort((a, b) => b.value - a.value || a.order - b.order);
    kept = kept.slice(0, limit);
    if (kept.length === limit) least = kept.at(-1)!.value;
  };
  return {
    offer(value: number, who: () => Who) {
      if (value <= least) return;
      kept.push({ value, order: offered++, who: who() });
      if (kept.length >= 2 * limit) cut();
    },
    entries() {
      cut();
      return kept.map(({ who }) => who);
    },
  };
}
