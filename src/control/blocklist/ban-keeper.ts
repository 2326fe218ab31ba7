import type { ReadinessCheck } from '../../admin/index.ts';
import {
  type Ban,
  createBanBook,
  createBanMemory,
  isAllowed,
  openAddressLists,
  openBanWriter,
  type SharedBans,
  type SharedViolations,
  type Spared,
  type Violations,
} from '../../admission/index.ts';
import type { Config, PolicySnapshot } from '../../config/index.ts';
import { parseCidr } from '../../identity/index.ts';
import type { BanRow } from '../../store/index.ts';
import type { CausedEvents } from '../events/events-keeper.ts';
import type { Logger } from '../logs.ts';
import { createAutoBans } from './auto-bans.ts';
import { createBanExchange, type ExchangeGuard } from './ban-exchange.ts';
import { createBanJournal, type WriteBans } from './ban-journal.ts';
import { type Bans, fullError, meanwhileError, repeatMs, rowOf } from './bans.ts';
import { createBanRoute } from './ban-route.ts';
import { createStaleBans, type StaleBans } from './stale-bans.ts';
import { createToldBans } from './told-bans.ts';
import type { Decision } from './untold-bans.ts';

/** Main's side of bans: what workers see of them, what makes them, and when they end. */
export interface BanKeeper {
  /** The table, for workers. */
  readonly memory: SharedArrayBuffer;
  readonly bans: Bans;
  /** Those that stand. */
  count(): number;
  /** Made here since the start, not by other instances. */
  made(): { auto: number; operator: number };
  /** A policy holds from now on. To be called before workers are given it. */
  configure(config: Config, snapshot: Pick<PolicySnapshot, 'blocklist'>): void;
  /** What a worker folded. */
  violated(violations: Violations): void;
  /** All that the store has: those that stand, and those that ended lately. */
  replace(rows: readonly BanRow[]): void;
  /** Another instance, or a command, changed one. */
  changed(row: BanRow): void;
  /** From when on bans that have ended are still of interest. Epoch milliseconds. */
  endedSince(): number;
  /** Changes go here from now on. */
  keepIn(store: KeptBans): void;
  /**
   * The store has been read: from now on bans are those of all instances. Resolves when they are here, or after `boundMs`, or at once where
   * nothing is shared.
   */
  join(boundMs: number): Promise<void>;
  /** The time that bans go by: this machine's clock, or, where they are shared, what all go by. */
  epochMs(): number;
  /** The store answers, for the first time or again. */
  resume(): void;
  /** Of {@link keepIn}: changes that never got there are a reason to look. None without. */
  checks(): ReadinessCheck[];
  /** Writes what is on its way, as far as the store takes it, and ends. */
  close(): Promise<void>;
  stop(): void;
}

/** What instances share of bans. */
export interface BansOfAll {
  bans: SharedBans;
  violations: SharedViolations;
  guard: ExchangeGuard;
  /** How many they are. */
  instances(): number;
}

/** The store as main sees it. Both reject while it is away. */
export interface KeptBans {
  /** It is that of all instances. */
  shared: boolean;
  write: WriteBans;
  /** What it has now of these prefixes. */
  read(prefixes: string[]): Promise<BanRow[]>;
}

const TICK_MS = 250;
/** So that very many that end at once hold nothing else up. */
const ENDS_AT_ONCE = 5000;
const WRITTEN_MS = 2000;
const FULL_TOLD_MS = 60_000;
/** For what others have not been told at the end. */
const TOLD_MS = 500;

export function createBanKeeper(options: {
  config: Config;
  snapshot: Pick<PolicySnapshot, 'blocklist'>;
  events: CausedEvents;
  logger: Logger;
  /** Four words. */
  seed: Uint32Array;
  /** What all instances share; null: there is nothing. */
  shared: BansOfAll | null;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back. */
  steadyMs(): number;
}): BanKeeper {
  const { events, logger, steadyMs } = options;
  const bansMax = options.config.blocklist.max_bans;
  const memory = createBanMemory(bansMax, options.seed);
  const book = createBanBook(openBanWriter(memory, bansMax), bansMax);
  let journal: ReturnType<typeof createBanJournal> | null = null;
  let stale: StaleBans | null = null;
  let settings = options.config.blocklist;
  let spared: Spared;
  let fullTold = Number.NEGATIVE_INFINITY;

  const madeBy = { auto: 0, operator: 0 };
  const memoryMs = (): number => settings.auto_ban?.ban_max ?? repeatMs;
  const exchange =
    options.shared &&
    createBanExchange({
      ...{ shared: options.shared.bans, guard: options.shared.guard, pendingMax: 2 * bansMax, memoryMs },
      *standing() {
        for (const ban of book.all()) if (!ban.simulated) yield rowOf(ban);
      },
      heard(records, overruled) {
        const again = told.byOthers(records, overruled);
        book.publish();
        for (const record of again) exchange?.tell(record);
      },
      ...{ epochMs: options.epochMs, logger },
    });
  const epochMs = (): number => options.epochMs() + (exchange?.offsetMs() ?? 0);
  const route = createBanRoute({ exchange, events, logger });

  const tellFull = (): void => {
    const now = epochMs();
    if (now - fullTold < FULL_TOLD_MS) return;
    fullTold = now;
    logger.warn({ kind: 'blocklist', bans: book.size }, 'no room for more bans: blocklist.max_bans');
  };

  const tick = (): void => {
    stale?.look();
    const now = epochMs();
    const due = book.due(now, ENDS_AT_ONCE);
    if (due.length === 0) return;
    book.publish();
    for (const ban of due) route.ended(ban, 'expired', ban.by, now);
  };
  const timer = setInterval(tick, TICK_MS).unref();

  const told = createToldBans({
    ...{ book, route, shared: exchange !== null },
    stale: () => stale,
    full: tellFull,
  });

  const begin = (bans: readonly Ban[]): void => {
    const made = bans.filter((ban) => book.put(ban));
    if (made.length < bans.length) tellFull();
    if (made.length === 0) return;
    book.publish();
    for (const ban of made)
      route.began(ban, (decision) => {
        if (decision !== 'theirs') madeBy.auto += 1;
      });
  };
  const autoBans = createAutoBans({
    ...{ book, shared: options.shared, begin, epochMs, steadyMs },
    spared: () => spared,
  });

  const configure: BanKeeper['configure'] = (config, snapshot) => {
    settings = config.blocklist;
    spared = {
      lists: openAddressLists(snapshot.blocklist),
      trustedProxies: config.server.trusted_proxies.map((text) => parseCidr(text)!),
    };
    const simulated = settings.mode === 'simulate';
    autoBans.configure(settings);
    if (simulated) return;
    const onlySimulated = [...book.all()].filter((ban) => ban.simulated);
    for (const ban of onlySimulated) {
      book.remove(ban.prefix, epochMs(), false);
      route.ended(ban, 'lifted', 'config', epochMs());
    }
    if (onlySimulated.length > 0) book.publish();
  };
  configure(options.config, options.snapshot);

  /** Whether it outlives this process: in the store, or with the others. */
  const kept = async (decision: Decision): Promise<boolean> =>
    journal === null ? exchange !== null && decision !== 'away' : journal.written(WRITTEN_MS);

  return {
    memory,
    configure,
    count: () => book.size,
    made: () => madeBy,
    bans: {
      all: async () => [...book.all()],
      holding: async (address, bitsMax) => book.holding(address, bitsMax),
      allowing: async (address, bitsMax) => book.allowing(address, bitsMax),
      async add({ prefix, reason, by, until }) {
        const now = epochMs();
        const times = book.times(prefix, now - memoryMs()) + 1;
        // The clock of the instance that made the one before may be ahead.
        const before = [book.get(prefix)?.beganAt ?? 0, (book.past(prefix)?.beganAt ?? -1) + 1];
        const beganAt = Math.max(now, ...before);
        const ban: Ban = { prefix, reason, by, beganAt, until, times, simulated: false };
        if (!book.put(ban)) throw fullError(book.size);
        book.publish();
        const decision = await new Promise<Decision>((decided) => route.began(ban, decided));
        const standing = decision === 'theirs' ? book.get(prefix) : ban;
        if (standing === undefined) throw meanwhileError(prefix);
        if (decision !== 'theirs' && !isAllowed(prefix)) madeBy.operator += 1;
        return { ban: standing, kept: await kept(decision) };
      },
      async lift(prefix, by) {
        const now = epochMs();
        const ban = book.remove(prefix, now, true);
        if (ban === undefined) return undefined;
        book.publish();
        const decision = await new Promise<Decision>((decided) =>
          route.ended(ban, 'lifted', by, now, decided),
        );
        return { ban, kept: await kept(decision) };
      },
    },
    violated: autoBans.violated,
    replace(rows) {
      if (exchange === null) {
        const named = new Set(rows.map(({ prefix }) => prefix));
        const gone = [...book.all()].filter(
          ({ prefix, simulated }) => !simulated && !named.has(prefix) && !route.isPending(prefix),
        );
        for (const { prefix } of gone) book.remove(prefix, epochMs(), false);
      }
      for (const row of rows) told.byStore(row);
      book.publish();
      exchange?.renew(rows.filter(({ endedAt }) => endedAt !== null));
      tick();
    },
    changed(row) {
      const isNews = told.byStore(row);
      book.publish();
      // By a command, which knows the database only.
      if (isNews) exchange?.tell(row);
    },
    endedSince: () => epochMs() - memoryMs(),
    keepIn(store) {
      const found = createStaleBans({
        read: store.read,
        isPending: route.isPending,
        known: book.get,
        take(rows) {
          for (const row of rows) told.byStore(row);
          book.publish();
        },
        steadyMs,
      });
      stale = found;
      const write: WriteBans = async (changes) => {
        const made = await store.write(changes);
        for (const [at, { change }] of changes.entries())
          if (made[at] !== true) found.add(change.kind === 'put' ? change.ban.prefix : change.prefix);
        return made;
      };
      journal = createBanJournal({ write, events, logger, elapsedMs: steadyMs, pendingMax: 2 * bansMax });
      route.keepIn(journal, store.shared);
    },
    join: async (boundMs) => exchange?.join(boundMs),
    epochMs,
    resume() {
      stale?.retry();
      journal?.resume();
    },
    checks() {
      const lost = journal?.lost ?? 0;
      if (lost === 0) return [];
      const problem = 'changes of bans did not reach the store: see the log';
      return [{ name: 'bans', status: 'degraded', detail: { lost, problem } }];
    },
    async close() {
      clearInterval(timer);
      autoBans.stop();
      await exchange?.close(TOLD_MS);
      await journal?.close(WRITTEN_MS);
    },
    stop() {
      clearInterval(timer);
      autoBans.stop();
      exchange?.stop();
      journal?.stop();
    },
  };
}
