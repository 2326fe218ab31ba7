import { Worker } from 'node:worker_threads';
import type { TakeWork } from './take-worker.ts';

/** Threads that all take from the same buckets, let go at once. */
export interface Race {
  /** Takes that passed so far, by chain. */
  passed(): number[];
  /** Resolves when all threads have ended; rejects if one threw. */
  done: Promise<void>;
  workers: Worker[];
}

export async function startRace(threads: number, work: Omit<TakeWork, 'owner' | 'shared'>): Promise<Race> {
  const shared = new SharedArrayBuffer((2 + work.chains.length) * 4);
  const counts = new Int32Array(shared);
  const workers = Array.from({ length: threads }, (_, i) => startTaker({ ...work, owner: i + 1, shared }));
  const done = Promise.all(workers.map(ended)).then(() => undefined);
  for (let ready = 0; ready < threads; ready = Atomics.load(counts, 0)) {
    await Promise.race([Atomics.waitAsync(counts, 0, ready, 100).value, done]);
  }
  Atomics.store(counts, 1, 1);
  Atomics.notify(counts, 1);
  return { passed: () => [...counts.subarray(2)], done, workers };
}

export function startTaker(work: TakeWork): Worker {
  return new Worker(new URL('./take-worker.ts', import.meta.url), { workerData: work });
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}
