import type { Address } from '../identity/index.ts';
import { networkText } from './address-lists.ts';
import { allowMark, type Ban, readPrefix } from './ban.ts';
import type { BanWriter } from './ban-table.ts';
import { createDueQueue } from './due-queue.ts';

/** Bans of now, and how often those of before were banned: what main knows, with the shared table kept in step. */
export interface BanBook {
  /** Bans; those that are allowed do not count. */
  readonly size: number;
  get(prefix: string): Ban | undefined;
  /** All, in no order. */
  all(): Iterable<Ban>;
  /** The most specific ban that holds the address; with `bitsMax` of those that are no narrower. */
  holding(address: Address, bitsMax?: number): Ban | undefined;
  /** The same of those that are allowed. */
  allowing(address: Address, bitsMax?: number): Ban | undefined;
  /** Puts a ban in, in place of one of the same prefix. False: there are as many as there may be. */
  put(ban: Ban): boolean;
  /** Takes it out; what it was. `remembered`: a ban soon after is a repeat. */
  remove(prefix: string, endedAt: number, remembered: boolean): Ban | undefined;
  /** Takes out those whose time is over, at most so many. */
  due(nowMs: number, most: number): Ban[];
  /** How often it has been banned up to `sinceMs` ago, the ban of now included. */
  times(prefix: string, sinceMs: number): number;
  /** Of a ban that has ended: it counts for {@link times}. */
  remember(ban: PastBan & { prefix: string }): void;
  /** The last ban of this prefix that has ended, as far as it is remembered. */
  past(prefix: string): PastBan | undefined;
  /** Workers see the changes from here on. */
  publish(): void;
}

/** What is remembered of a ban that has ended. Epoch milliseconds. */
export interface PastBan {
  times: number;
  /** 0: of one that refused nobody. */
  beganAt: number;
  endedAt: number;
}

export function createBanBook(table: BanWriter, bansMax: number): BanBook {
  const bans = new Map<string, Ban>();
  /** In the order of their ends, roughly: the oldest are forgotten first where there are too many. */
  const past = new Map<string, PastBan>();
  /** How many have so many bits, by family: a look-up asks only for lengths that there are. */
  const lengthsOf = () => ({ 4: new Uint32Array(33), 6: new Uint32Array(129) });
  const [banLengths, allowLengths] = [lengthsOf(), lengthsOf()];
  let allowedSize = 0;
  const count = (
    { network: { address, bits }, allowed }: NonNullable<ReturnType<typeof readPrefix>>,
    by: 1 | -1,
  ): void => {
    (allowed ? allowLengths : banLengths)[address.family][bits]! += by;
    if (allowed) allowedSize += by;
  };
  let queue = createDueQueue();

  const enqueue = ({ prefix, until }: Ban): void => {
    if (until === null) return;
    // Bans that were lifted or changed leave theirs behind.
    if (queue.size > 2 * bans.size + 1000) {
      queue = createDueQueue();
      for (const ban of bans.values())
        if (ban.until !== null && ban.prefix !== prefix) queue.add(ban.prefix, ban.until);
    }
    queue.add(prefix, until);
  };

  const take = (prefix: string): Ban | undefined => {
    const ban = bans.get(prefix);
    const read = readPrefix(prefix);
    if (ban === undefined || read === undefined) return undefined;
    bans.delete(prefix);
    count(read, -1);
    table.remove(read.network, read.allowed);
    return ban;
  };

  const remember: BanBook['remember'] = ({ prefix, times, beganAt, endedAt }) => {
    past.delete(prefix);
    if (past.size >= bansMax) past.delete(past.keys().next().value!);
    past.set(prefix, { times, beganAt, endedAt });
  };
  const rememberBan = ({ prefix, times, beganAt, simulated }: Ban, endedAt: number): void =>
    remember({ prefix, times, beganAt: simulated ? 0 : beganAt, endedAt });

  const narrowest = (
    mark: string,
    lengths: typeof banLengths,
    address: Address,
    bitsMax = 128,
  ): Ban | undefined => {
    const counts = lengths[address.family];
    for (let bits = Math.min(bitsMax, counts.length - 1); bits >= 0; bits -= 1) {
      if (counts[bits] === 0) continue;
      const ban = bans.get(mark + networkText(address, bits));
      if (ban !== undefined) return ban;
    }
    return undefined;
  };

  return {
    get size() {
      return bans.size - allowedSize;
    },
    get: (prefix) => bans.get(prefix),
    all: () => bans.values(),
    holding: (address, bitsMax) => narrowest('', banLengths, address, bitsMax),
    allowing: (address, bitsMax) => narrowest(allowMark, allowLengths, address, bitsMax),
    put(ban) {
      const read = readPrefix(ban.prefix);
      if (read === undefined) throw new RangeError(`not a network: ${ban.prefix}`);
      const untilSeconds = ban.until === null ? 0 : Math.ceil(ban.until / 1000);
      if (!table.put(read.network, untilSeconds, read.allowed)) return false;
      if (!bans.has(ban.prefix)) count(read, 1);
      bans.set(ban.prefix, ban);
      enqueue(ban);
      return true;
    },
    remove(prefix, endedAt, remembered) {
      const ban = take(prefix);
      if (ban !== undefined && remembered) rememberBan(ban, endedAt);
      return ban;
    },
    due(nowMs, most) {
      const ended: Ban[] = [];
      while (ended.length < most) {
        const next = queue.next(nowMs);
        if (next === undefined) break;
        if (bans.get(next.name)?.until !== next.at) continue;
        const ban = take(next.name)!;
        rememberBan(ban, next.at);
        ended.push(ban);
      }
      return ended;
    },
    times(prefix, sinceMs) {
      const now = bans.get(prefix);
      if (now !== undefined) return now.times;
      const before = past.get(prefix);
      if (before === undefined) return 0;
      if (before.endedAt >= sinceMs) return before.times;
      past.delete(prefix);
      return 0;
    },
    remember,
    past: (prefix) => past.get(prefix),
    publish: table.publish,
  };
}
