import {
  type Buckets,
  createBuckets,
  createLimitsMemory,
  createMonotonicClock,
  type LimitsMemory,
  savedSeed,
} from '../limits/index.ts';
import { patiently } from './patience.ts';
import { readState, writeState } from './state-file.ts';

/** Main's hands on the shared buckets, and their way over a restart. */
export interface LimitsKeeper {
  memory: LimitsMemory;
  /** Owner 0: may throw LimitsBusyError while a worker that died holds a lock. */
  buckets: Buckets;
  /** Microseconds of the clock all threads share. */
  nowMicros(): number;
  /** Puts saved buckets and quotas back, once the keys have their numbers. Says what came of it; null if nothing was saved. */
  restore(
    quotaSlot: (keyName: string) => number | undefined,
  ): { restored: string; nothing: boolean } | { problem: string } | null;
  /** Saves what is not full. Call after the workers ended. */
  save(keyName: (quotaSlot: number) => string | undefined): Promise<void>;
}

export interface LimitsKeeperOptions {
  /** Where to keep state; null keeps nothing. */
  path: string | null;
  entries: number;
  quotaSlots: number;
  /** Other instances have the same buckets; default false. */
  shared?: boolean;
  /** A fresh seed: four unpredictable words. */
  randomSeed(): Uint32Array;
  wallMs(): number;
}

/** Makes the shared memory, with the seed of the saved state where there is one. Throws nothing that a bad file causes. */
export async function createLimitsKeeper(options: LimitsKeeperOptions): Promise<LimitsKeeper> {
  const { path, wallMs } = options;
  const saved = path === null ? undefined : await readState(path);
  const bytes = saved instanceof Uint8Array ? saved : undefined;
  const seed = (bytes && savedSeed(bytes)) ?? options.randomSeed();
  const { entries, quotaSlots, shared = false } = options;
  const memory = createLimitsMemory({ entries, quotaSlots, shared, seed });
  const buckets = createBuckets(memory, 0);
  const nowMicros = createMonotonicClock();
  return {
    memory,
    buckets,
    nowMicros,
    restore(quotaSlot) {
      if (saved === undefined) return null;
      if (!(saved instanceof Uint8Array)) return saved;
      const result = buckets.load(saved, nowMicros(), wallMs(), quotaSlot);
      if (!result.ok) return { problem: `it is ${result.reason}` };
      const { buckets: filled, quotas } = result;
      return {
        restored: `${count(filled, 'bucket')} and ${count(quotas, 'quota')}`,
        nothing: filled + quotas === 0,
      };
    },
    async save(keyName) {
      if (path === null) return;
      const state = await patiently(() => buckets.save(nowMicros(), wallMs(), keyName));
      await writeState(path, state);
    },
  };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
