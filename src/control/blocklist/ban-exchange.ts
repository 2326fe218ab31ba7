import { setImmediate as turn } from 'node:timers/promises';
import { type BanRecord, type SharedBans, supersedes } from '../../admission/index.ts';
import { within } from '../../events/index.ts';
import type { Logger } from '../logs.ts';
import { createSingleFlight } from '../single-flight.ts';
import { createUntoldBans, type Decided, type UntoldBan } from './untold-bans.ts';

/** Bans of this instance and of all others, kept the same by what they share. */
export interface BanExchange {
  /**
   * Tells the others, at once or when they can be told again. `decided` hears once whether this instance's word is the one that counts.
   * `patient`: it waits for that however long it takes; else for a moment, and `away` is the answer then.
   */
  tell(record: BanRecord, how?: { unlessStanding?: boolean; patient?: boolean; decided?: Decided }): void;
  /** The others have not taken the last change of this prefix yet. */
  isPending(prefix: string): boolean;
  /**
   * Reads all anew, and puts back what is lacking there. `ended`: of what this instance knows from elsewhere to have ended, which others may
   * hold to stand.
   */
  renew(ended: readonly BanRecord[]): void;
  /** Begins. Resolves once all was read, or after `boundMs`. */
  join(boundMs: number): Promise<void>;
  /** What to add to this machine's clock for that of all instances: 0, or more than a second either way. Milliseconds. */
  offsetMs(): number;
  /** Tells what can be told within `ms`, and ends. */
  close(ms: number): Promise<void>;
  stop(): void;
}

export interface BanExchangeOptions {
  shared: SharedBans;
  guard: ExchangeGuard;
  /** Those that stand here. */
  standing(): Iterable<BanRecord>;
  /** Changes of others. `overruled`: instead of what was told from here. */
  heard(records: readonly BanRecord[], overruled: boolean): void;
  /** For how long after its end a ban is remembered. Milliseconds. */
  memoryMs(): number;
  /** Changes that wait at most. */
  pendingMax: number;
  /** This machine's clock. */
  epochMs(): number;
  logger: Pick<Logger, 'warn'>;
}

/** Whether the others can be reached. */
export interface ExchangeGuard {
  isOpen(): boolean;
  onChange(listener: (state: { away: boolean }) => void): void;
}

/** Between two looks for changes of others. */
const LOOK_MS = 100;
const AT_ONCE = 200;
/** Looks in a row that fail although the others can be reached: some five seconds of them are told. */
const FAILURES_TOLD = 50;
/** Records of our own that are compared in one turn of the event loop. */
const COMPARED_A_TURN = 5000;
/** Clocks that differ by less are held for the same, so that times do not jump with each answer. */
const CLOCK_MS = 1000;

export function createBanExchange(options: BanExchangeOptions): BanExchange {
  const { shared, guard, heard, epochMs } = options;
  const untold = createUntoldBans(options.pendingMax);
  const ended = new AbortController();
  const joined = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  let epoch = '';
  let at = 0;
  /** What is there must be compared with what is here. */
  let unsure = true;
  let alsoEnded: readonly BanRecord[] = [];
  let offsetMs = 0;
  let failures = 0;

  const keepMs = ({ until, endedAt }: BanRecord): number | null => {
    const now = epochMs() + offsetMs;
    if (endedAt !== null) return Math.max(1000, endedAt + options.memoryMs() - now);
    return until === null ? null : Math.max(1000, until + options.memoryMs() - now);
  };

  /** Rejects with all that was not told still waiting. */
  const send = createSingleFlight(async () => {
    while (!ended.signal.aborted) {
      const batch = untold.take(AT_ONCE);
      if (batch.length === 0) return;
      try {
        const changes = batch.map(({ record, unlessStanding }) => ({
          ...{ record, unlessStanding, keepMs: keepMs(record) },
        }));
        settle(batch, await shared.put(changes));
      } catch (error) {
        untold.putBack(batch);
        throw error;
      }
    }
  });

  function settle(batch: readonly UntoldBan[], outcomes: readonly (BanRecord | null)[]): void {
    const overruled = outcomes.filter((outcome) => outcome !== null);
    untold.told(batch);
    // Before those hear of it who told: what stands is here by then.
    if (overruled.length > 0) heard(overruled, true);
    for (const [i, { decided }] of batch.entries()) decided?.(outcomes[i] === null ? 'ours' : 'theirs');
  }

  async function page(after: number) {
    const read = await shared.read(after);
    const ahead = read.nowMs - epochMs();
    if (Math.abs(ahead - offsetMs) > CLOCK_MS) offsetMs = Math.abs(ahead) > CLOCK_MS ? ahead : 0;
    return read;
  }

  function take(records: readonly BanRecord[]): void {
    // Our own later word is on its way.
    const news = records.filter(({ prefix }) => !untold.has(prefix));
    if (news.length > 0) heard(news, false);
  }

  async function readOn(): Promise<void> {
    for (let more = true; more && !unsure; ) {
      const read = await page(at);
      if (read.epoch !== epoch || read.last < at) {
        unsure = true;
        return;
      }
      take(read.records);
      at = read.next;
      ({ more } = read);
      if (more) await turn();
    }
  }

  async function readAll(): Promise<void> {
    unsure = false;
    const [closed, there] = [alsoEnded, new Map<string, BanRecord>()];
    alsoEnded = [];
    try {
      at = 0;
      for (let isFirst = true; ; isFirst = false) {
        const { records, next, more, epoch: found } = await page(at);
        if (isFirst) epoch = found;
        else if (epoch !== found) throw new Error('what instances share was lost meanwhile');
        take(records);
        for (const record of records) there.set(record.prefix, record);
        at = next;
        if (!more) break;
        await turn();
      }
      await putBack(there, closed);
    } catch (error) {
      unsure = true;
      alsoEnded = [...closed, ...alsoEnded];
      throw error;
    }
  }

  async function putBack(there: Map<string, BanRecord>, closed: readonly BanRecord[]): Promise<void> {
    let compared = 0;
    const paced = async (): Promise<void> => {
      if (++compared % COMPARED_A_TURN === 0) await turn();
    };
    for (const record of options.standing()) {
      const known = there.get(record.prefix);
      if (known === undefined || supersedes(record, known)) tell(record);
      await paced();
    }
    for (const record of closed) {
      const known = there.get(record.prefix);
      if (known !== undefined && supersedes(record, known)) tell(record);
      await paced();
    }
    await send();
  }

  async function look(): Promise<void> {
    if (ended.signal.aborted) return;
    if (guard.isOpen()) return untold.waitNoLonger();
    try {
      await send();
      if (!unsure) await readOn();
      if (unsure) await readAll();
      failures = 0;
      joined.resolve();
    } catch (error) {
      // What waits is told with the next look.
      untold.waitNoLonger();
      // That they cannot be reached is told by itself.
      if (!guard.isOpen() && ++failures === FAILURES_TOLD) {
        // Of the driver's errors no more: they carry the command with all it was called with.
        const reason = error instanceof Error ? error.message : String(error);
        const text = `bans do not reach the other instances, nor theirs this one: ${reason}`;
        options.logger.warn({ kind: 'blocklist', reason }, text);
      }
    }
  }

  let looking = false;
  const lookNow = (): void => {
    // A slow answer does not have looks pile up.
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  };

  guard.onChange(({ away }) => {
    if (away) return;
    unsure = true;
    if (timer !== undefined) lookNow();
  });

  function tell(record: BanRecord, how: Parameters<BanExchange['tell']>[1] = {}): void {
    untold.add({ record, unlessStanding: false, patient: false, decided: undefined, ...how });
  }

  return {
    tell(record, how) {
      tell(record, how);
      // Before it begins nobody is waited for.
      if (timer === undefined || guard.isOpen()) untold.waitNoLonger();
      // Where it fails the next look tries again.
      else send().catch(untold.waitNoLonger);
    },
    isPending: untold.has,
    renew(closed) {
      unsure = true;
      alsoEnded = [...alsoEnded, ...closed];
      if (timer !== undefined) lookNow();
    },
    async join(boundMs) {
      timer = setInterval(lookNow, LOOK_MS).unref();
      lookNow();
      if (guard.isOpen()) return;
      await within(boundMs, joined.promise);
    },
    offsetMs: () => offsetMs,
    async close(ms) {
      clearInterval(timer);
      // What fails stays untold.
      if (!guard.isOpen()) await within(ms, send()).catch(() => undefined);
      ended.abort();
      untold.giveUp();
    },
    stop() {
      clearInterval(timer);
      ended.abort();
    },
  };
}
