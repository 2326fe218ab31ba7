import type { BanPage, BanRecord, SharedBans, SharedChange } from '../../admission/index.ts';
import { guarded, type RedisGuard } from '../breaker.ts';
import type { RedisClient } from '../client.ts';
import { callScript, type Script } from '../script.ts';
import { readRecord, recordText } from './record.ts';
import { putScript, readScript } from './scripts.ts';

export interface SharedBansOptions {
  client: RedisClient;
  guard: RedisGuard;
  /** Before each key, such as `pp:`. */
  prefix: string;
  /** Of this run of this instance: by it a call is known whose answer was lost. */
  origin: string;
  /** Bans at most, also those that have ended; beyond, those that are forgotten soonest make room. */
  recordsMax: number;
}

/** Some 0.5 ms of Redis, which serves nobody else meanwhile. */
const CHANGES_MAX = 200;
const PAGE_MAX = 500;

/** Bans as they stand in Redis, each under a key of its own that ends by itself. */
export function createSharedBans(options: SharedBansOptions): SharedBans {
  const { client, guard, prefix, origin, recordsMax } = options;
  const home = `${prefix}{bans}:`;
  const [head, log, ends] = [`${home}head`, `${home}log`, `${home}ends`];
  const keyOf = (ban: string): string => `${home}ban:${ban}`;

  const call = (script: Script, keys: string[], args: (string | number)[]): Promise<unknown> =>
    guarded(guard, () => callScript(client, script, keys, args));

  async function putSome(changes: readonly SharedChange[]): Promise<(BanRecord | null)[]> {
    const keys = [head, log, ends];
    const args: (string | number)[] = [recordsMax, keyOf('')];
    for (const { record, unlessStanding, keepMs } of changes) {
      keys.push(keyOf(record.prefix));
      args.push(
        ...[record.prefix, recordText(record, origin)],
        ...[keepMs === null ? '' : Math.max(1, Math.ceil(keepMs)), unlessStanding ? 1 : 0],
      );
    }
    const outcomes = (await call(putScript, keys, args)) as string[];
    return outcomes.map((text, i) => (text === '' ? null : readRecord(text, changes[i]!.record.prefix)));
  }

  return {
    async put(changes) {
      const outcomes: (BanRecord | null)[] = [];
      for (let from = 0; from < changes.length; from += CHANGES_MAX)
        outcomes.push(...(await putSome(changes.slice(from, from + CHANGES_MAX))));
      return outcomes;
    },

    async read(after): Promise<BanPage> {
      const answer = await call(readScript, [head, log], [after, PAGE_MAX]);
      const [epoch, last, nowMs, ...changed] = answer as [string, string, number, ...string[]];
      const prefixes = changed.filter((_, at) => at % 2 === 0);
      const texts =
        prefixes.length === 0
          ? []
          : await guarded(guard, () => client.mget(...prefixes.map((one) => keyOf(one))));
      return {
        ...{ epoch, last: Number(last), nowMs, more: prefixes.length === PAGE_MAX },
        next: prefixes.length === 0 ? after : Number(changed.at(-1)),
        // One that is gone was forgotten just now.
        records: texts.flatMap((text, i) => (text === null ? [] : (readRecord(text, prefixes[i]!) ?? []))),
      };
    },
  };
}
