import type { ResourceLimits } from 'node:worker_threads';
import { type BackoffOptions, workerBackoff } from './backoff.ts';
import {
  createWorkerSlot,
  type SlotState,
  type WorkerDeath,
  type WorkerMessage,
  type WorkerSlot,
} from './worker-slot.ts';

export interface WorkerPoolOptions<M extends WorkerMessage> {
  workerUrl: URL;
  workers: number;
  resourceLimits: ResourceLimits;
  env: NodeJS.ProcessEnv;
  workerData(slot: number): unknown;
  beat(slot: number): number;
  now(): number;
  onUp(slot: number): void;
  onMessage(slot: number, message: M): void;
  onDeath(death: WorkerDeath): void;
  onText(slot: number, text: string): void;
  /** Overrides for tests. Milliseconds. */
  timing?: Partial<PoolTiming>;
}

export interface PoolTiming {
  lookIntervalMs: number;
  /** Looks without a beat until a worker counts as hanging; × lookIntervalMs = 2 s. */
  looksMax: number;
  startTimeoutMs: number;
  backoff: BackoffOptions;
}

const usualTiming: PoolTiming = {
  lookIntervalMs: 250,
  looksMax: 8,
  startTimeoutMs: 15_000,
  backoff: workerBackoff,
};

export interface WorkerPool {
  /** Opens the threads ahead of `start`: they read their modules meanwhile. */
  prepare(): void;
  /** Resolves when all are up. Rejects with the first worker's error when one dies before; all are ended then. */
  start(): Promise<void>;
  broadcast(message: unknown): void;
  /** To one slot's worker; lost where there is none. */
  post(slot: number, message: unknown): void;
  states(): { state: SlotState; restarts: number }[];
  /** Slots that serve now. */
  up(): number[];
  /** Tells all to drain and ends those that have not by `deadlineMs`. Resolves with how many were cut. */
  drain(message: unknown, deadlineMs: number): Promise<{ cut: number }>;
  /** Ends all at once. */
  stop(): Promise<void>;
}

/** The data plane's threads, each in its slot, kept alive until drained or stopped. */
export function createWorkerPool<M extends WorkerMessage>(options: WorkerPoolOptions<M>): WorkerPool {
  const timing = { ...usualTiming, ...options.timing };
  let starting: { arrived(): void; failed(error: Error): void } | undefined;

  const slots: WorkerSlot[] = Array.from({ length: options.workers }, (_, slot) =>
    createWorkerSlot<M>({
      ...timing,
      slot,
      workerUrl: options.workerUrl,
      resourceLimits: options.resourceLimits,
      env: options.env,
      now: options.now,
      workerData: () => options.workerData(slot),
      beat: () => options.beat(slot),
      onMessage: (message) => options.onMessage(slot, message),
      onText: (text) => options.onText(slot, text),
      onUp: () => {
        options.onUp(slot);
        starting?.arrived();
      },
      onDeath: (death) => {
        options.onDeath(death);
        starting?.failed(death.error ?? new Error(`worker ${slot} could not be started: ${death.reason}`));
      },
    }),
  );
  const looks = setInterval(() => {
    for (const slot of slots) slot.look();
  }, timing.lookIntervalMs);
  looks.unref();

  const stop = async () => {
    clearInterval(looks);
    await Promise.all(slots.map((slot) => slot.stop()));
  };

  return {
    prepare() {
      for (const slot of slots) slot.prepare();
    },
    stop,
    async start() {
      try {
        await new Promise<void>((resolve, reject) => {
          starting = {
            arrived: () => slots.every((slot) => slot.state === 'up') && resolve(),
            failed: reject,
          };
          for (const slot of slots) slot.start();
        });
      } catch (error) {
        starting = undefined;
        await stop();
        throw error;
      }
      starting = undefined;
    },
    broadcast(message) {
      for (const slot of slots) slot.post(message);
    },
    post: (slot, message) => slots[slot]?.post(message),
    states: () => slots.map(({ state, restarts }) => ({ state, restarts })),
    up: () => slots.flatMap((slot, index) => (slot.state === 'up' ? [index] : [])),
    async drain(message, deadlineMs) {
      clearInterval(looks);
      const inTime = await Promise.all(slots.map((slot) => slot.drain(message, deadlineMs)));
      return { cut: inTime.filter((each) => !each).length };
    },
  };
}
