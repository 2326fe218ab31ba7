import { unlinkSync } from 'node:fs';
import { createApplierPace } from './applier-pace.ts';
import { createJournalListing, isOver, type ListedSegment } from './journal-folder.ts';
import { createJournalSync } from './journal-sync.ts';
import type { Ledger } from './ledger.ts';
import type { RawSettings } from './raw-calls.ts';
import { createSegmentApplier, type SegmentApplier, type SegmentDamage } from './segment-applier.ts';

export interface ApplierSettings {
  raw: RawSettings;
  /** How long a segment stays after all of it was applied; milliseconds. */
  keepJournalMs: number;
}

/** How far the ledger is behind the journals. */
export interface ApplierState {
  /** Bytes of journals that were not in the ledger after the last look. */
  lagBytes: number;
  /** Epoch milliseconds since when that is not because of time alone but since the ledger, or a file, refuses; null: it does not. */
  behindSinceMs: number | null;
  /** Tries that failed, since it began. */
  failures: number;
  lastError: string | null;
  /** What cannot be read. Its segments are never deleted; of one that was taken away it is told no more. */
  damage: readonly SegmentDamage[];
}

/** Brings journals into the ledger, each frame once. Runs in one thread beside all workers' journals. */
export interface Applier {
  /**
   * Every `applyMs` from now on, a backlog with rests in between. While the ledger is away the tries become rarer, to one in 10 s. What workers append is synced
   * every `syncMs`, whatever the ledger does.
   */
  start(applyMs: number, syncMs: number): void;
  /** Applies all there is now, at once and without rests; false where the ledger or a file refused. */
  flush(): Promise<boolean>;
  state(): ApplierState;
  configure(settings: ApplierSettings): void;
  /** Resolves once nothing is under way; `flush` before it, where all is to be applied. */
  stop(): Promise<void>;
}

export interface ApplierOptions {
  folder: string;
  /** Of this process: its journals go on. Those of any other are over. */
  run: string;
  ledger: Ledger;
  settings: ApplierSettings;
  epochMs: () => number;
  /** As the ledger, or a file, begins to refuse, with the first reason; null as that is over. */
  onRefusal?: (reason: string | null) => void;
  /** Once for each. */
  onDamage: (damage: SegmentDamage) => void;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** How often segments that are done are looked at. */
const TIDY_MS = 10_000;

export function createApplier(options: ApplierOptions): Applier {
  const { folder, run, epochMs } = options;
  let { settings } = options;
  /** What the ledger rejected with: it would with any other segment, too. */
  const ofLedger = new WeakSet<object>();
  const noted = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (typeof error === 'object' && error !== null) ofLedger.add(error);
      throw error;
    }
  };
  const ledger: Ledger = {
    segments: (names) => noted(options.ledger.segments(names)),
    apply: (batch) => noted(options.ledger.apply(batch)),
  };
  const pace = createApplierPace();
  const segments = new Map<string, SegmentApplier>();
  /** Of segments that are done: their last write. */
  const finished = new Map<string, number>();
  let damage: SegmentDamage[] = [];
  const state: Omit<ApplierState, 'damage'> = {
    lagBytes: 0,
    behindSinceMs: null,
    failures: 0,
    lastError: null,
  };
  const listing = createJournalListing(folder, epochMs);
  const sync = createJournalSync(listing, run, epochMs);
  /** Of which all is known. */
  let looked: readonly ListedSegment[] = [];
  let timers: NodeJS.Timeout[] = [];
  let syncing: Promise<void> | null = null;
  let running: Promise<boolean> | null = null;
  let backoffMs = 0;
  let waitUntil = 0;
  let tidiedAt = Number.NEGATIVE_INFINITY;

  async function meet(listed: readonly ListedSegment[]): Promise<void> {
    if (listed === looked) return;
    await meetAll(listed);
    looked = listed;
  }

  async function meetAll(listed: readonly ListedSegment[]): Promise<void> {
    const here = new Set(listed.map(({ id }) => id));
    damage = damage.filter(({ segment }) => here.has(segment));
    for (const [id, segment] of segments) {
      if (here.has(id)) continue;
      segment.close();
      segments.delete(id);
      finished.delete(id);
    }
    const unknown = listed.filter(({ id }) => !segments.has(id));
    if (unknown.length === 0) return;
    const known = await ledger.segments(unknown.map(({ id }) => id));
    for (const each of unknown)
      segments.set(each.id, createSegmentApplier(each, ledger, known.get(each.id), epochMs));
  }

  /** What was met first with a segment of which the others know nothing: they are applied all the same. */
  async function applyAll(): Promise<unknown> {
    const listed = listing.list();
    await meet(listed);
    let met: unknown;
    for (const [at, each] of listed.entries()) {
      const segment = segments.get(each.id);
      if (segment === undefined || segment.done) continue;
      try {
        await segment.run(isOver(listed, at, run), settings.raw, pace.rest);
      } catch (error) {
        if (ofLedger.has(error as object)) throw error;
        // Its writer took it away unused.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') met ??= error;
      }
      if (segment.damage !== null && !damage.includes(segment.damage)) {
        damage.push(segment.damage);
        options.onDamage(segment.damage);
      }
    }
    return met;
  }

  /** Deletes what is old; looks after what was written to although its process was thought dead. */
  function tidy(): void {
    if (Math.abs(epochMs() - tidiedAt) < TIDY_MS) return;
    tidiedAt = epochMs();
    for (const [id, segment] of segments) {
      if (!segment.done || segment.damage !== null) continue;
      const modified = segment.modified();
      segment.close();
      const before = finished.get(id);
      finished.set(id, modified);
      if (before !== undefined && modified > before) segment.reopen();
      else if (epochMs() - Math.max(modified, segment.appliedAt() ?? 0) >= settings.keepJournalMs)
        unlinkSync(segment.segment.path);
    }
  }

  function fail(error: unknown): void {
    state.failures++;
    state.lastError = error instanceof Error ? error.message : String(error);
    if (state.behindSinceMs === null) options.onRefusal?.(state.lastError);
    state.behindSinceMs ??= epochMs();
    state.lagBytes = measureLag();
  }

  async function pass(): Promise<boolean> {
    let met: unknown;
    try {
      met = await applyAll();
      tidy();
    } catch (error) {
      fail(error);
      backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, backoffMs * 2));
      waitUntil = performance.now() + backoffMs;
      return false;
    }
    backoffMs = 0;
    waitUntil = 0;
    if (met !== undefined) {
      // Others' usage is not kept waiting for it.
      fail(met);
      return false;
    }
    if (state.behindSinceMs !== null) options.onRefusal?.(null);
    state.lagBytes = 0;
    state.behindSinceMs = null;
    return true;
  }

  function measureLag(): number {
    let bytes = 0;
    for (const segment of segments.values()) {
      try {
        bytes += segment.lag();
      } catch {
        // Of a file that cannot be read nothing is known.
      }
    }
    return bytes;
  }

  function begin(): Promise<boolean> {
    running = pass().finally(() => {
      running = null;
    });
    return running;
  }

  function syncNow(): void {
    // What cannot be synced is not applied either: the next pass says so.
    syncing ??= sync.run().then(noteSync, noteSync);
  }

  function noteSync(): void {
    syncing = null;
  }

  async function idle(): Promise<void> {
    if (running === null) return;
    await running;
    // Somebody else may have waited, and begun another.
    return idle();
  }

  return {
    start(applyMs, syncMs) {
      const apply = (): void => {
        if (running === null && performance.now() >= waitUntil) void begin();
      };
      timers = [setInterval(apply, applyMs), setInterval(syncNow, syncMs)];
    },
    flush: () =>
      pace.hurry(async () => {
        // One under way may have looked at a journal before its last frame.
        await idle();
        return begin();
      }),
    state: () => ({ ...state, damage: [...damage] }),
    configure(next) {
      settings = next;
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await pace.hurry(() => Promise.all([idle(), syncing]));
      sync.close();
      for (const segment of segments.values()) segment.close();
    },
  };
}
