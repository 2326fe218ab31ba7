import { randomBytes } from 'node:crypto';
import { type Ban, readPrefix } from '../../admission/index.ts';
import { createEnvelopes, type EventDraft, outboxEntry } from '../../events/index.ts';
import { createPrefixTable } from '../../identity/index.ts';
import type { Store } from '../../store/index.ts';
import { bannedEvent, unbannedEvent } from './ban-events.ts';
import type { ToldChange } from './ban-journal.ts';
import { type BanChange, banOf, type Bans, rowOf } from './bans.ts';
import { readBans } from './read-bans.ts';
import { writeBans } from './write-bans.ts';

/**
 * Bans in a store that is open here: gateways on it are told by the database, or read them at their start, and find the sinks of
 * their events.
 */
export function createStoredBans(parts: {
  store: Store;
  /** From when on a ban that has ended makes the next a repeat. Epoch milliseconds. */
  endedSince: () => number;
  /** The `source` of events. */
  source: string;
  epochMs: () => number;
}): Bans {
  const { store, endedSince, epochMs } = parts;
  const envelope = createEnvelopes({ source: () => parts.source, random: randomBytes });
  const told = (change: BanChange, draft: EventDraft): ToldChange => ({
    change,
    event: outboxEntry(envelope(draft), draft, null),
  });

  const standing = async (): Promise<Ban[]> => {
    const now = epochMs();
    const rows = await readBans(store, now);
    return rows
      .filter(({ until, endedAt }) => endedAt === null && (until === null || until > now))
      .map(banOf);
  };

  return {
    all: standing,
    async holding(address) {
      const bans = await standing();
      const table = createPrefixTable(bans.map(({ prefix }) => readPrefix(prefix)!.network));
      return bans[table.find(address)];
    },
    async add({ prefix, reason, by, until }) {
      const before = await store.bans.get(prefix);
      const repeated = before !== null && (before.endedAt === null || before.endedAt >= endedSince());
      const times = (repeated ? before.times : 0) + 1;
      const ban: Ban = { prefix, reason, by, beganAt: epochMs(), until, times, simulated: false };
      await writeBans(store, [told({ kind: 'put', ban: rowOf(ban) }, bannedEvent(ban))]);
      return { ban, kept: true };
    },
    async lift(prefix, by) {
      const ban = (await standing()).find((one) => one.prefix === prefix);
      if (ban === undefined) return undefined;
      const { beganAt } = ban;
      const endedAt = epochMs();
      const [made] = await writeBans(store, [
        told({ kind: 'end', prefix, beganAt, endedAt }, unbannedEvent(ban, 'lifted', by, endedAt)),
      ]);
      return made === true ? { ban, kept: true } : undefined;
    },
  };
}
