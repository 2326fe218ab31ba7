import { availableParallelism, totalmem } from 'node:os';
import type { Violations } from '../admission/index.ts';
import type { PolicySnapshot, TlsMaterial } from '../config/index.ts';
import type { DecisionRecord, FromWorker, ToWorker, WorkerEvent, WorkerStart } from '../gateway/index.ts';
import { clearConnections, createConnectionMemory } from '../http/index.ts';
import {
  clearFigures,
  clearGauges,
  counters,
  createCounterSlab,
  createFigures,
  createFiguresMemory,
  type Figures,
} from '../metrics/index.ts';
import { type BoardMemory, clearWorker } from '../upstream/index.ts';
import type { FromHub, Hub } from '../websocket/index.ts';
import { type AppliedTracker, createAppliedTracker } from './applied.ts';
import type { BoundAddress } from './bind.ts';
import { createExplainCollector, type ExplainCollector } from './explain-collector.ts';
import { createJournalWatch } from './journal-watch.ts';
import type { LimitsKeeper } from './limits-keeper.ts';
import type { Logger } from './logs.ts';
import { createCallTimes, createWorkerLog } from './worker-log.ts';
import { createWorkerPool, type PoolTiming, type WorkerPool } from './worker-pool.ts';
import type { WorkerDeath } from './worker-slot.ts';

export interface DataPlaneOptions {
  workerUrl: URL;
  workers: number;
  address: BoundAddress;
  tls: TlsMaterial | null;
  limits: LimitsKeeper;
  board: BoardMemory;
  /** Table of bans. */
  bans: SharedArrayBuffer;
  /** What a worker's callers did wrong. */
  violated(violations: Violations): void;
  snapshot(): PolicySnapshot;
  instanceId: string;
  bootId: string;
  /** Keys that figures are kept of. */
  keysMax: number;
  /** Where workers' usage goes; null: nowhere. */
  journal: WorkerStart['journal'];
  logger: Logger;
  /** Main's side of sockets and subscriptions. */
  hub: Pick<Hub, 'hear' | 'dropWorker'>;
  /** What workers need of buckets that other instances have as well. */
  onLeases(slot: number, needs: Extract<FromWorker, { type: 'leases' }>['needs']): void;
  /** Where they are; null: no other instance. */
  redis: WorkerStart['redis'];
  /** What workers saw happen. */
  onEvents(events: WorkerEvent[]): void;
  /** Folder of Node's compile cache, if there is one: a replacement is up in 0.2 s with it, 0.5 s without. */
  compileCache: string | undefined;
  timing?: Partial<PoolTiming>;
}

/** The workers, and all that is said between them and main. */
export interface DataPlane {
  /** What all workers count. */
  readonly figures: Figures;
  explain: ExplainCollector<DecisionRecord>;
  /** The hub's word to one worker. */
  sayOfHub(slot: number, message: FromHub): void;
  /** Main has seen to what a worker needs. */
  sayOfLeases(slot: number, message: Extract<ToWorker, { type: 'leased' }>): void;
  /** Workers read their modules while main does what must be done before `start`. */
  prepare(): void;
  start(): Promise<void>;
  states: WorkerPool['states'];
  /** Hands the present policy to all; resolves when they use it, or with those that do not after the bound. */
  apply(): ReturnType<AppliedTracker['everywhere']>;
  /** Calls and events that were served and are in no journal, of all workers since the start. */
  usageLost(): number;
  /** Why workers cannot write usage now; null: they can. */
  journalProblem(): string | null;
  /** Has workers look at once whether the keys of their sockets still hold. */
  keysChanged(): void;
  setTls(tls: TlsMaterial): void;
  drain(deadlineMs: number): Promise<{ cut: number }>;
  stop(): Promise<void>;
}

/** A worker in the middle of a garbage collection is late; one that is later still is found by its heartbeat. */
const applyBoundMs = 5_000;
const explainBoundMs = 500;
/** What a worker needs to say `drained` after the deadline cut its last connections. */
const drainMarginMs = 1_000;

/** How many workers: as configured, one per core for `auto`, one where a port cannot be shared. */
export function workerCount(configured: 'auto' | number, reusePort: boolean): number {
  if (!reusePort) return 1;
  return configured === 'auto' ? availableParallelism() : configured;
}

/**
 * Of each worker. A call leaves some 3 KB that die at once, so little survives however small the space is: against
 * V8's own choice the process keeps 60 to 80 MB less, at the same CPU a request.
 */
const YOUNG_GENERATION_MB = 8;

/** A worker with very many ready sockets serves them all before its timer's turn: serving is a sign of life too. */
const lively = [
  counters.heartbeat,
  counters.requestsFast,
  counters.requestsFallback,
  counters.requestsRefused,
  // Both, as messages may come in one turn and be handled in another.
  counters.socketMessages,
  counters.socketRequests,
] as const;

/** What rises for as long as the worker of these counters does anything. */
export function signsOfLife(slab: Float64Array): number {
  return lively.reduce((sum, sign) => sum + slab[sign]!, 0);
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const { logger, limits, address } = options;
  let { tls } = options;
  const slabs = Array.from({ length: options.workers }, () => createCounterSlab());
  const memories = slabs.map(() => createFiguresMemory(options.keysMax));
  const connections = createConnectionMemory(options.workers);
  const starts = new Array<number>(options.workers).fill(0);
  const slabOf = (slot: number) => slabs[slot] as SharedArrayBuffer;
  const numbers = slabs.map((slab) => new Float64Array(slab));
  const writeLines = createWorkerLog(logger, createCallTimes(limits.nowMicros, Date.now));
  const usageLost = () => numbers.reduce((sum, slab) => sum + slab[counters.usageLost]!, 0);
  const journals = createJournalWatch(logger, {
    whenFull: () => options.snapshot().usage.whenFull,
    lost: usageLost,
  });

  const pool = createWorkerPool<FromWorker>({
    workerUrl: options.workerUrl,
    workers: options.workers,
    timing: options.timing,
    resourceLimits: {
      maxOldGenerationSizeMb: oldGenerationMb(options.workers, options.snapshot()),
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
    },
    env: options.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: options.compileCache },
    now: () => performance.now(),
    beat: (slot) => signsOfLife(numbers[slot]!),
    workerData: (slot): WorkerStart => {
      const snapshot = options.snapshot();
      applied.applied(slot, snapshot.generation);
      return {
        slot,
        start: starts[slot]!++,
        workers: options.workers,
        instanceId: options.instanceId,
        bootId: options.bootId,
        snapshot,
        limits: limits.memory,
        board: options.board,
        bans: options.bans,
        slab: slabOf(slot),
        figures: memories[slot]!,
        connections,
        listen: address,
        tls,
        journal: options.journal,
        redis: options.redis,
      };
    },
    onUp: (slot) => logger.debug({ worker: slot }, 'worker up'),
    onText: (slot, text) => logger.warn({ kind: 'worker', worker: slot }, text.trimEnd()),
    onDeath(death) {
      limits.buckets.releaseDead(death.slot + 1);
      clearGauges(slabOf(death.slot));
      clearFigures(memories[death.slot]!);
      clearConnections(connections, death.slot);
      clearWorker(options.board, death.slot);
      options.hub.dropWorker(death.slot);
      journals.gone(death.slot);
      logDeath(logger, death);
    },
    onMessage(slot, message) {
      if (message.type === 'applied') applied.applied(slot, message.generation);
      else if (message.type === 'explained') explain.answered(slot, message.ask, message.records);
      else if (message.type === 'hub') options.hub.hear(slot, message.message);
      else if (message.type === 'leases') options.onLeases(slot, message.needs);
      else if (message.type === 'violations') options.violated(message.violations);
      else if (message.type === 'journal') journals.said(slot, message.full, message.reason);
      else if (message.type === 'events') options.onEvents(message.events);
      else if (message.type === 'log') writeLines(slot, message.lines);
    },
  });
  const applied = createAppliedTracker(pool.up);
  const tell = (message: ToWorker) => pool.broadcast(message);
  const explain = createExplainCollector<DecisionRecord>({
    workers: pool.up,
    send: tell,
    boundMs: explainBoundMs,
  });

  return {
    figures: createFigures(slabs, memories),
    explain,
    sayOfHub: (slot, message) => pool.post(slot, { type: 'hub', message } satisfies ToWorker),
    sayOfLeases: (slot, message) => pool.post(slot, message),
    prepare: pool.prepare,
    start: pool.start,
    states: pool.states,
    stop: pool.stop,
    usageLost,
    journalProblem: journals.problem,
    apply() {
      const snapshot = options.snapshot();
      tell({ type: 'policy', snapshot });
      return applied.everywhere(snapshot.generation, applyBoundMs);
    },
    keysChanged: () => tell({ type: 'keys' }),
    setTls(next) {
      tls = next;
      tell({ type: 'tls', ...next });
    },
    drain: (deadlineMs) =>
      pool.drain({ type: 'drain', deadlineMs } satisfies ToWorker, deadlineMs + drainMarginMs),
  };
}

/** What is kept lies on the heap, and the collector needs room to move it. */
const KEPT_HEAP_FACTOR = 1.5;

/**
 * Half of the machine's memory for all workers' heaps, within 256 MiB and 2 GiB each, and beside it what caches may hold;
 * buffers are not counted in it.
 */
function oldGenerationMb(workers: number, { networks }: PolicySnapshot): number {
  const share = totalmem() / 2 / workers / 1024 / 1024;
  const kept = networks.reduce((sum, { cache }) => sum + (cache?.maxBytes ?? 0), 0) / 1024 / 1024;
  return Math.floor(Math.min(2048, Math.max(256, share)) + kept * KEPT_HEAP_FACTOR);
}

function logDeath(logger: Logger, { slot, reason, error, livedMs, restartInMs }: WorkerDeath): void {
  const facts = { worker: slot, livedMs: Math.round(livedMs), restartInMs, err: error ?? undefined };
  logger.error(facts, `worker ${slot} died: ${reason}`);
}
