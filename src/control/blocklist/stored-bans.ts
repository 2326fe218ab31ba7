import { randomBytes } from 'node:crypto';
import { type Ban, isAllowed, readPrefix } from '../../admission/index.ts';
import { createEnvelopes, type EventDraft, outboxEntry } from '../../events/index.ts';
import { type Address, createPrefixTable } from '../../identity/index.ts';
import type { Store } from '../../store/index.ts';
import { beganNews, endedNews } from './ban-events.ts';
import type { ToldChange } from './ban-journal.ts';
import { type BanChange, banOf, type Bans, fullError, meanwhileError, rowOf } from './bans.ts';
import { readBans } from './read-bans.ts';
import { writeBans, writeBansIn } from './write-bans.ts';

/**
 * Bans in a store that is open here: gateways on it are told by the database, or read them at their start, and find the sinks of
 * their events.
 */
export function createStoredBans(parts: {
  store: Store;
  /** From when on a ban that has ended makes the next a repeat. Epoch milliseconds. */
  endedSince: () => number;
  /** How many may stand at once. */
  bansMax: number;
  /** The `source` of events. */
  source: string;
  epochMs: () => number;
}): Bans {
  const { store, endedSince, epochMs } = parts;
  const envelope = createEnvelopes({ source: () => parts.source, random: randomBytes });
  const told = (change: BanChange, draft: EventDraft | null): ToldChange => ({
    change,
    event: draft && outboxEntry(envelope(draft), draft, null),
  });

  const standing = async (): Promise<Ban[]> => {
    const now = epochMs();
    const rows = await readBans(store, now);
    return rows
      .filter(({ until, endedAt }) => endedAt === null && (until === null || until > now))
      .map(banOf);
  };

  const narrowest = async (allowed: boolean, address: Address, bitsMax = 128): Promise<Ban | undefined> => {
    const bans = (await standing())
      .filter(({ prefix }) => isAllowed(prefix) === allowed)
      .map((ban) => ({ ban, network: readPrefix(ban.prefix)!.network }))
      .filter(({ network }) => network.bits <= bitsMax);
    const table = createPrefixTable(bans.map(({ network }) => network));
    return bans[table.find(address)]?.ban;
  };

  return {
    all: standing,
    holding: (address, bitsMax) => narrowest(false, address, bitsMax),
    allowing: (address, bitsMax) => narrowest(true, address, bitsMax),
    async add({ prefix, reason, by, until }) {
      return store.transaction(async (tables) => {
        const now = epochMs();
        const before = await tables.bans.get(prefix);
        const stands =
          before !== null && before.endedAt === null && (before.until === null || before.until > now);
        const count = stands ? 0 : await tables.bans.count(now);
        if (count >= parts.bansMax) throw fullError(count);
        const repeated = before !== null && (before.endedAt === null || before.endedAt >= endedSince());
        const times = (repeated ? before.times : 0) + 1;
        // The clock of whoever made the one before may be ahead.
        const beganAt =
          before === null ? now : Math.max(now, before.beganAt + (before.endedAt === null ? 0 : 1));
        const ban: Ban = { prefix, reason, by, beganAt, until, times, simulated: false };
        const put = told({ kind: 'put', ban: rowOf(ban) }, beganNews(ban).event);
        const [made] = await writeBansIn(tables, [put]);
        if (made !== true) throw meanwhileError(prefix);
        return { ban, kept: true };
      });
    },
    async lift(prefix, by) {
      const ban = (await standing()).find((one) => one.prefix === prefix);
      if (ban === undefined) return undefined;
      const { beganAt } = ban;
      const endedAt = epochMs();
      const [made] = await writeBans(store, [
        told({ kind: 'end', prefix, beganAt, endedAt }, endedNews(ban, 'lifted', by, endedAt).event),
      ]);
      return made === true ? { ban, kept: true } : undefined;
    },
  };
}
