import type { ExactBucket, ExactReading, ExactStore } from '../../limits/index.ts';
import { limitScript } from './limit-script.ts';
import { createScriptCall } from './script-calls.ts';
import type { ScriptCall, ScriptCallsOptions } from './script-calls.ts';
import { createScriptMessage, slotTag } from './script-message.ts';
import type { ScriptMessage } from './script-message.ts';

export interface ExactStoreOptions extends ScriptCallsOptions {
  /** Before each bucket's key, such as `pp:`. */
  prefix: string;
}

/** Takes in one call of the script: at 5 µs each, Redis is held up for no longer than half a millisecond. */
const takesMax = 100;

interface Waiting {
  buckets: readonly ExactBucket[];
  cost: number;
  resolve(reading: ExactReading | null): void;
}

/**
 * Exact takes of one thread. Those of one turn of the event loop go out together: to one Redis in one call of the script,
 * to a Cluster in one for each owner.
 */
export function createExactStore(options: ExactStoreOptions): ExactStore {
  const { client, guard, prefix } = options;
  const call = createScriptCall(limitScript('take'), options);
  let waiting: Waiting[] = [];

  function flush(): void {
    const takes = waiting;
    waiting = [];
    if (client.isCluster) {
      for (const group of Map.groupBy(takes, (take) => slotTag(take.buckets[0]!.bucket)).values())
        sendAll(group);
    } else sendAll(takes);
  }

  function sendAll(takes: Waiting[]): void {
    for (let from = 0; from < takes.length; from += takesMax)
      void send(call, prefix, takes.slice(from, from + takesMax));
  }

  return {
    take(buckets, cost) {
      if (guard.isOpen()) return Promise.resolve(null);
      if (buckets.length === 0)
        return Promise.resolve({ refused: 0, bursting: 0, depleted: false, before: [], retryAfterMs: 0 });
      return new Promise((resolve) => {
        if (waiting.push({ buckets, cost, resolve }) === 1) setImmediate(flush);
      });
    },
  };
}

async function send(call: ScriptCall, prefix: string, takes: readonly Waiting[]): Promise<void> {
  const message = createScriptMessage(prefix);
  const rest: number[] = [];
  for (const { buckets, cost } of takes) pushTake(rest, message, buckets, cost);
  const answer = await call(message, rest);
  let at = 0;
  for (const { buckets, resolve } of takes) {
    resolve(answer === null ? null : readTake(answer, at, buckets.length));
    at += 4 + buckets.length;
  }
}

/** @internal One take, as take.lua reads it. */
export function pushTake(
  rest: number[],
  message: ScriptMessage,
  buckets: readonly ExactBucket[],
  cost: number,
): void {
  rest.push(cost, buckets.length);
  for (const { bucket, shape } of buckets) rest.push(message.key(bucket), message.shape(shape));
}

/** @internal The answer to a take of `count` buckets, as take.lua writes it from `at` on. */
export function readTake(answer: readonly number[], at: number, count: number): ExactReading {
  const waitMs = answer[at + 3]!;
  return {
    refused: answer[at]!,
    bursting: answer[at + 1]!,
    depleted: answer[at + 2] === 1,
    before: answer.slice(at + 4, at + 4 + count),
    retryAfterMs: waitMs < 0 ? Number.POSITIVE_INFINITY : waitMs,
  };
}
