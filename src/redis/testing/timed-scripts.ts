import type { Redis } from 'ioredis';
import type { ExactBucket, ExactReading, LeaseAnswer, LeaseAsk } from '../../limits/index.ts';
import type { SharedBucket } from '../../limits/testing/shared-model.ts';
import { pushTake, readTake } from '../limits/exact-store.ts';
import { pushAsk, readAnswer } from '../limits/lease-store.ts';
import { limitScript } from '../limits/limit-script.ts';
import { createScriptMessage } from '../limits/script-message.ts';

export interface TimedTake {
  buckets: readonly ExactBucket[];
  cost: number;
}

/** The scripts on a real Redis, at times (µs) that the test says: only the line that reads the clock is another. */
export function createTimedScripts(redis: Redis, prefix: string) {
  const clock = 'local now = tonumber(table.remove(ARGV))';
  const scripts = { take: limitScript('take', clock), lease: limitScript('lease', clock) };

  async function run(name: 'take' | 'lease', keys: string[], args: (string | number)[]): Promise<number[]> {
    return (await redis.eval(scripts[name].text, keys.length, ...keys, ...args)) as number[];
  }

  return {
    /** In one call of the script. */
    async take(takes: readonly TimedTake[], now: number): Promise<ExactReading[]> {
      const message = createScriptMessage(prefix);
      const rest: number[] = [];
      for (const { buckets, cost } of takes) pushTake(rest, message, buckets, cost);
      const answer = await run('take', message.keys, message.args([...rest, now]));
      let at = 0;
      return takes.map(({ buckets }) => {
        const reading = readTake(answer, at, buckets.length);
        at += 4 + buckets.length;
        return reading;
      });
    },

    /** In one call of the script. */
    async ask(holder: string, asks: readonly LeaseAsk[], now: number): Promise<LeaseAnswer[]> {
      const message = createScriptMessage(prefix);
      const rest: (string | number)[] = [holder];
      for (const ask of asks) pushAsk(rest, message, ask);
      const answer = await run('lease', message.keys, message.args([...rest, now]));
      return asks.map((_, i) => readAnswer(answer, i));
    },

    /** What stands there. undefined: nothing. */
    async stored(bucket: string): Promise<Omit<SharedBucket, 'shape' | 'written'> | undefined> {
      const bytes = await redis.getBuffer(prefix + bucket);
      return bytes === null ? undefined : decode(bytes);
    },
  };
}

/** As `store` in bucket.lua packs it. */
function decode(bytes: Buffer): Omit<SharedBucket, 'shape' | 'written'> {
  const level = bytes.readDoubleLE(33);
  const last = bytes.readDoubleLE(41);
  const inBurst = bytes.readDoubleLE(49) === 1;
  const out: SharedBucket['out'] = [];
  for (let at = 57; at < bytes.length; ) {
    const [until, units, seq, granted] = [0, 8, 16, 24].map((by) => bytes.readDoubleLE(at + by)) as [
      number,
      number,
      number,
      number,
    ];
    const length = bytes[at + 32]!;
    const holder = bytes.toString('utf8', at + 33, at + 33 + length);
    out.push({ holder, units, until, seq, granted });
    at += 33 + length;
  }
  return { level, last, inBurst, out };
}
