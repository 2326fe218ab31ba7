import type { ReadinessCheck } from '../../admin/index.ts';
import {
  type AutoBan,
  type Ban,
  createAutoBan,
  createBanBook,
  createBanMemory,
  openAddressLists,
  openBanWriter,
  type Spared,
  type Violations,
} from '../../admission/index.ts';
import type { Config, PolicySnapshot } from '../../config/index.ts';
import type { EventDraft } from '../../events/index.ts';
import { parseCidr } from '../../identity/index.ts';
import type { BanRow } from '../../store/index.ts';
import type { CausedEvents } from '../events/events-keeper.ts';
import type { Logger } from '../logs.ts';
import { bannedEvent, unbannedEvent } from './ban-events.ts';
import { createBanJournal, type WriteBans } from './ban-journal.ts';
import { banOf, type Bans, fullError, repeatMs, rowOf } from './bans.ts';
import { createStaleBans, type StaleBans } from './stale-bans.ts';

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
  /** The store answers, for the first time or again. */
  resume(): void;
  /** Of {@link keepIn}: changes that never got there are a reason to look. None without. */
  checks(): ReadinessCheck[];
  /** Writes what is on its way, as far as the store takes it, and ends. */
  close(): Promise<void>;
  stop(): void;
}

/** The store as main sees it. Both reject while it is away. */
export interface KeptBans {
  write: WriteBans;
  /** What it has now of these prefixes. */
  read(prefixes: string[]): Promise<BanRow[]>;
}

const TICK_MS = 250;
/** So that very many that end at once hold nothing else up. */
const ENDS_AT_ONCE = 5000;
const WRITTEN_MS = 2000;
const FULL_TOLD_MS = 60_000;

export function createBanKeeper(options: {
  config: Config;
  snapshot: Pick<PolicySnapshot, 'blocklist'>;
  events: CausedEvents;
  logger: Logger;
  /** Four words. */
  seed: Uint32Array;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back. */
  steadyMs(): number;
}): BanKeeper {
  const { events, logger, epochMs, steadyMs } = options;
  const bansMax = options.config.blocklist.max_bans;
  const memory = createBanMemory(bansMax, options.seed);
  const book = createBanBook(openBanWriter(memory, bansMax), bansMax);
  let journal: ReturnType<typeof createBanJournal> | null = null;
  let stale: StaleBans | null = null;
  let settings = options.config.blocklist;
  let spared: Spared;
  let auto: AutoBan | null = null;
  let autoFor = '';
  let fullTold = Number.NEGATIVE_INFINITY;

  const madeBy = { auto: 0, operator: 0 };
  const memoryMs = (): number => settings.auto_ban?.ban_max ?? repeatMs;

  const say = ({ type, subject, data }: EventDraft, level: 'warn' | 'info'): void =>
    logger[level]({ kind: 'blocklist', event: type, subject, ...data }, `${type} ${subject}`);

  /** Told and kept. One of a simulation refuses nobody, and is not worth keeping. */
  const began = (ban: Ban): void => {
    const event = bannedEvent(ban);
    say(event, 'warn');
    if (journal === null || ban.simulated) events.emit(event);
    else journal.add({ kind: 'put', ban: rowOf(ban) }, event);
  };
  const ended = (ban: Ban, reason: 'expired' | 'lifted', by: string, endedAt: number): void => {
    const event = unbannedEvent(ban, reason, by, endedAt);
    say(event, 'info');
    if (journal === null || ban.simulated) events.emit(event);
    else journal.add({ kind: 'end', prefix: ban.prefix, beganAt: ban.beganAt, endedAt }, event);
  };

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
    for (const ban of due) ended(ban, 'expired', ban.by, now);
  };
  const timer = setInterval(tick, TICK_MS).unref();

  const take = (row: BanRow): void => {
    // What is on its way there may be newer than what came from there, or be refused there: to be seen once it has arrived.
    if (journal?.isPending(row.prefix) === true) return stale?.add(row.prefix);
    const known = book.get(row.prefix);
    if (row.endedAt === null) {
      if (known?.beganAt !== row.beganAt || known.until !== row.until || known.simulated)
        if (!book.put(banOf(row))) tellFull();
    } else {
      if (known !== undefined && known.beganAt <= row.beganAt) book.remove(row.prefix, row.endedAt, false);
      if (book.get(row.prefix) === undefined) book.remember(row.prefix, row.times, row.endedAt);
    }
  };

  const configure: BanKeeper['configure'] = (config, snapshot) => {
    settings = config.blocklist;
    spared = {
      lists: openAddressLists(snapshot.blocklist),
      trustedProxies: config.server.trusted_proxies.map((text) => parseCidr(text)!),
    };
    const simulated = settings.mode === 'simulate';
    const made = JSON.stringify([simulated, settings.auto_ban]);
    if (made !== autoFor) {
      autoFor = made;
      const { auto_ban: one } = settings;
      auto =
        one &&
        createAutoBan(
          {
            threshold: one.threshold,
            windowMs: one.window,
            banForMs: one.ban_for,
            growth: one.growth,
            banMaxMs: one.ban_max,
          },
          { book, spared: () => spared, simulated },
        );
    }
    if (simulated) return;
    const onlySimulated = [...book.all()].filter((ban) => ban.simulated);
    for (const ban of onlySimulated) {
      book.remove(ban.prefix, epochMs(), false);
      ended(ban, 'lifted', 'config', epochMs());
    }
    if (onlySimulated.length > 0) book.publish();
  };
  configure(options.config, options.snapshot);

  const kept = async (): Promise<boolean> => (await journal?.written(WRITTEN_MS)) ?? false;

  return {
    memory,
    configure,
    count: () => book.size,
    made: () => madeBy,
    bans: {
      all: async () => [...book.all()],
      holding: async (address, bitsMax) => book.holding(address, bitsMax),
      async add({ prefix, reason, by, until }) {
        const now = epochMs();
        const times = book.times(prefix, now - memoryMs()) + 1;
        // The clock of the instance that made the one before may be ahead.
        const beganAt = Math.max(now, book.get(prefix)?.beganAt ?? 0);
        const ban: Ban = { prefix, reason, by, beganAt, until, times, simulated: false };
        if (!book.put(ban)) throw fullError(book.size);
        book.publish();
        madeBy.operator += 1;
        began(ban);
        return { ban, kept: await kept() };
      },
      async lift(prefix, by) {
        const now = epochMs();
        const ban = book.remove(prefix, now, true);
        if (ban === undefined) return undefined;
        book.publish();
        ended(ban, 'lifted', by, now);
        return { ban, kept: await kept() };
      },
    },
    violated(violations) {
      const bans = auto?.add(violations, epochMs(), steadyMs()) ?? [];
      const made = bans.filter((ban) => book.put(ban));
      if (made.length < bans.length) tellFull();
      if (made.length === 0) return;
      book.publish();
      madeBy.auto += made.length;
      made.forEach(began);
    },
    replace(rows) {
      const named = new Set(rows.map(({ prefix }) => prefix));
      const gone = [...book.all()].filter(
        ({ prefix, simulated }) => !simulated && !named.has(prefix) && journal?.isPending(prefix) !== true,
      );
      for (const { prefix } of gone) book.remove(prefix, epochMs(), false);
      for (const row of rows) take(row);
      book.publish();
      tick();
    },
    changed(row) {
      take(row);
      book.publish();
    },
    endedSince: () => epochMs() - memoryMs(),
    keepIn(store) {
      const found = createStaleBans({
        read: store.read,
        isPending: (prefix) => journal?.isPending(prefix) === true,
        known: book.get,
        take(rows) {
          for (const row of rows) take(row);
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
    },
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
      await journal?.close(WRITTEN_MS);
    },
    stop() {
      clearInterval(timer);
      journal?.stop();
    },
  };
}
