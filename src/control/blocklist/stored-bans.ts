import { type Ban, readPrefix } from '../../admission/index.ts';
import { createPrefixTable } from '../../identity/index.ts';
import type { Store } from '../../store/index.ts';
import { banOf, type Bans, rowOf } from './bans.ts';
import { readBans } from './read-bans.ts';
import { writeBans } from './write-bans.ts';

/** Bans in a store that is open here: gateways on it are told by the database, or read them at their start. */
export function createStoredBans(store: Store, endedSince: () => number, epochMs: () => number): Bans {
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
      await writeBans(store, [{ kind: 'put', ban: rowOf(ban) }]);
      return { ban, kept: true };
    },
    async lift(prefix) {
      const ban = (await standing()).find((one) => one.prefix === prefix);
      if (ban === undefined) return undefined;
      const { beganAt } = ban;
      const [made] = await writeBans(store, [{ kind: 'end', prefix, beganAt, endedAt: epochMs() }]);
      return made === true ? { ban, kept: true } : undefined;
    },
  };
}
