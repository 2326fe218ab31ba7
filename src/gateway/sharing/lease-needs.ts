import type { BucketNeed, QuotaNeed } from '../../limits/index.ts';
import type { Turn } from '../../http/index.ts';
import type { FromWorker } from '../messages.ts';
import type { Parked } from './parking.ts';

type LeasesMessage = Extract<FromWorker, { type: 'leases' }>;

/** What one worker needs of leases, told to main once a turn: a need that several calls of a turn have is one, for their cost together. */
export interface LeaseNeeds {
  /** @param parked who waits for it; null: nobody */
  ask(need: BucketNeed | QuotaNeed, parked: Parked | null): void;
  /** Main has seen to these. Returns those who wait for no other any more, in the order they came. */
  answered(numbers: readonly number[]): Parked[];
  /** Forgets needs that were sent before then, monotonic microseconds: who waited for them waits no more. */
  forget(before: number): void;
}

interface Asked {
  need: BucketNeed | QuotaNeed;
  parked: Parked[];
}

export function createLeaseNeeds(options: {
  turn: Pick<Turn, 'defer'>;
  tell: (message: LeasesMessage) => void;
  /** Needs that were sent. */
  sent: (needs: number) => void;
  /** Monotonic microseconds. */
  now: () => number;
}): LeaseNeeds {
  let asked = new Map<string, Asked>();
  /** By number, in the order they were sent. */
  const waitedFor = new Map<number, { at: number; parked: Parked[] }>();
  let last = 0;

  function flush(): void {
    const at = options.now();
    const needs: LeasesMessage['needs'] = [];
    for (const { need, parked } of asked.values()) {
      let waiting = 0;
      if (parked.length > 0) waitedFor.set((waiting = ++last), { at, parked });
      needs.push({ waiting, need });
    }
    asked = new Map();
    options.sent(needs.length);
    options.tell({ type: 'leases', needs });
  }
  const task = { flush };

  return {
    ask(need, parked) {
      if (asked.size === 0) options.turn.defer(task);
      const name = nameOf(need);
      let known = asked.get(name);
      if (known === undefined) asked.set(name, (known = { need: { ...need }, parked: [] }));
      else add(known.need, need);
      if (parked === null) return;
      parked.awaiting += 1;
      known.parked.push(parked);
    },
    answered(numbers) {
      const ready: Parked[] = [];
      for (const number of numbers) {
        const found = waitedFor.get(number);
        waitedFor.delete(number);
        for (const parked of found?.parked ?? []) {
          parked.awaiting -= 1;
          if (parked.awaiting === 0 && !parked.over) ready.push(parked);
        }
      }
      return ready;
    },
    forget(before) {
      for (const [number, { at }] of waitedFor) {
        if (at >= before) return;
        waitedFor.delete(number);
      }
    },
  };
}

function add(to: BucketNeed | QuotaNeed, need: BucketNeed | QuotaNeed): void {
  to.cost += need.cost;
  if ('least' in to && 'least' in need) to.least = Math.min(to.least, need.least);
}

function nameOf(need: BucketNeed | QuotaNeed): string {
  return 'slot' in need ? `${need.slot} ${need.periodId}` : `${need.tagLo} ${need.tagHi} ${need.version}`;
}
