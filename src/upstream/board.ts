import { type BreakerReading, readBreaker } from './pool/breaker.ts';
import { cellBytes, clearSlotCells, clearWorkerCells, sharedBytes, sharedWordsOf } from './pool/cells.ts';

/** How many upstreams, networks and workers one process has room for. */
export const UPSTREAM_SLOTS = 1024;
export const NETWORK_SLOTS = 256;
export const WORKER_SLOTS = 64;

/** Shared by all threads; one a process. */
export interface BoardMemory {
  readonly upstreams: SharedArrayBuffer;
  readonly networks: SharedArrayBuffer;
  /** Breakers and budgets of upstreams: any worker writes them, atomically. */
  readonly shared: SharedArrayBuffer;
  /** Each worker's windows and calls in flight, by upstream. */
  readonly cells: SharedArrayBuffer;
}

/** What active checks say of an upstream. */
export const health = { unknown: 0, up: 1, down: 2 } as const;

/** Why it is down; indexes of {@link healthReasonTexts}. */
export const healthReasons = { none: 0, unreachable: 1, wrongChain: 2, syncing: 3, wrongAnswer: 4 } as const;
export const healthReasonTexts = ['', 'unreachable', 'wrong chain', 'syncing', 'wrong answer'] as const;

/** Numbers of one upstream, as 64-bit floats. Those of main and those of workers in lines of their own. */
const upstreamAt = { health: 0, reason: 1, head: 2 } as const;
const upstreamNumbers = 8;
/** Numbers of one network: written by main; then, as 32-bit integers, what any thread writes. */
const networkAt = { head: 0, finalized: 1, reorgFrom: 2 } as const;
const networkNumbers = 4;
const sharedAt = { epoch: 0, reorgs: 1, served: 2 } as const;
const networkIntegers = 8;
const networkBytes = networkNumbers * 8 + networkIntegers * 4;

/** @param workers how many there are at most; 128 KiB each, of which only what is used is ever touched */
export function createBoardMemory(workers = WORKER_SLOTS): BoardMemory {
  const memory: BoardMemory = {
    upstreams: new SharedArrayBuffer(UPSTREAM_SLOTS * upstreamNumbers * 8),
    networks: new SharedArrayBuffer(NETWORK_SLOTS * networkBytes),
    shared: new SharedArrayBuffer(sharedBytes(UPSTREAM_SLOTS)),
    cells: new SharedArrayBuffer(cellBytes(UPSTREAM_SLOTS, workers)),
  };
  const numbers = new Float64Array(memory.upstreams);
  for (let slot = 0; slot < UPSTREAM_SLOTS; slot++) numbers[slot * upstreamNumbers + upstreamAt.head] = -1;
  for (let slot = 0; slot < NETWORK_SLOTS; slot++) createHeads(memory, slot).clear();
  return memory;
}

/** What main knows of each upstream. */
export interface UpstreamBoard {
  /** One of {@link health}, and of {@link healthReasons}. */
  health(slot: number): number;
  reason(slot: number): number;
  /** Latest block it is known to have; -1 where unknown. */
  head(slot: number): number;
  /** Of main alone. */
  setHealth(slot: number, state: number, reason: number): void;
  setHead(slot: number, number: number): void;
  /** What its circuit breaker is at, over all workers. */
  breaker(slot: number): BreakerReading;
  /** Breaker, budget and windows begin anew; what checks found stays, and calls in flight. */
  clearShared(slot: number): void;
  /** For the next upstream that takes the slot. */
  clear(slot: number): void;
}

/** Of main alone: a worker ended, and with it whatever it had in flight. Before another one takes its place. */
export function clearWorker(memory: BoardMemory, worker: number): void {
  clearWorkerCells(memory.cells, UPSTREAM_SLOTS, worker);
}

export function createUpstreamBoard(memory: BoardMemory): UpstreamBoard {
  const numbers = new Float64Array(memory.upstreams);
  const at = (slot: number, field: number): number => slot * upstreamNumbers + field;
  return {
    health: (slot) => numbers[at(slot, upstreamAt.health)]!,
    reason: (slot) => numbers[at(slot, upstreamAt.reason)]!,
    head: (slot) => numbers[at(slot, upstreamAt.head)]!,
    setHealth(slot, state, reason) {
      numbers[at(slot, upstreamAt.reason)] = reason;
      numbers[at(slot, upstreamAt.health)] = state;
    },
    setHead(slot, number) {
      numbers[at(slot, upstreamAt.head)] = number;
    },
    breaker: (slot) => readBreaker(sharedWordsOf(memory.shared, slot)),
    clearShared: (slot) => clearSlotCells(memory.shared, memory.cells, UPSTREAM_SLOTS, slot),
    clear(slot) {
      numbers.fill(0, at(slot, 0), at(slot + 1, 0));
      numbers[at(slot, upstreamAt.head)] = -1;
      clearSlotCells(memory.shared, memory.cells, UPSTREAM_SLOTS, slot);
    },
  };
}

/** The chain of one network as all threads see it. */
export interface Heads {
  /** Latest block known; -1 without a head tracker, or before its first answer. */
  readonly head: number;
  /** Blocks up to it are final; -1 where unknown. */
  readonly finalized: number;
  /** Counts up whenever an answer that depends on the head may be another one: a new head, a reorg, a transaction. */
  readonly epoch: number;
  /** Counts up with each reorg; the lowest block number that the last one replaced. */
  readonly reorgs: number;
  readonly reorgFrom: number;
  /** Highest block number that a caller was told, up to 2^32 - 1; -1 for none. */
  readonly served: number;
  /** Of main alone: the head moved. */
  publish(head: number, finalized: number): void;
  /** Of main alone: blocks from `from` on are others now. */
  reorg(from: number, head: number, finalized: number): void;
  /** Something was sent that may change what the head's state is. */
  touch(): void;
  raiseServed(number: number): void;
  clear(): void;
}

export function createHeads(memory: BoardMemory, slot: number): Heads {
  const numbers = new Float64Array(memory.networks, slot * networkBytes, networkNumbers);
  const shared = new Uint32Array(memory.networks, slot * networkBytes + networkNumbers * 8, networkIntegers);
  const advance = (head: number, finalized: number): void => {
    numbers[networkAt.finalized] = finalized;
    numbers[networkAt.head] = head;
    // Last: who sees the new epoch sees the new head too.
    Atomics.add(shared, sharedAt.epoch, 1);
  };
  return {
    get head() {
      return numbers[networkAt.head]!;
    },
    get finalized() {
      return numbers[networkAt.finalized]!;
    },
    get epoch() {
      return Atomics.load(shared, sharedAt.epoch);
    },
    get reorgs() {
      return Atomics.load(shared, sharedAt.reorgs);
    },
    get reorgFrom() {
      return numbers[networkAt.reorgFrom]!;
    },
    get served() {
      return Atomics.load(shared, sharedAt.served) - 1;
    },
    publish: advance,
    reorg(from, head, finalized) {
      numbers[networkAt.reorgFrom] = from;
      Atomics.add(shared, sharedAt.reorgs, 1);
      // A chain that went back: what was told before holds no more.
      Atomics.store(shared, sharedAt.served, 0);
      advance(head, finalized);
    },
    touch() {
      Atomics.add(shared, sharedAt.epoch, 1);
    },
    raiseServed(number) {
      const next = number + 1;
      let known = Atomics.load(shared, sharedAt.served);
      while (known < next) {
        const seen = Atomics.compareExchange(shared, sharedAt.served, known, next);
        if (seen === known) return;
        known = seen;
      }
    },
    clear() {
      numbers.fill(0);
      numbers[networkAt.head] = -1;
      numbers[networkAt.finalized] = -1;
      shared.fill(0);
    },
  };
}
