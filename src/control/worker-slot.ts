import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  type Transferable,
  Worker,
} from 'node:worker_threads';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import { createHeartbeatWatch } from './heartbeat.ts';

/**
 * starting → up → (draining) → ended, and from any of the first three, on a death, waiting → starting again.
 * `ended` is final: the slot was stopped or has drained.
 */
export type SlotState = 'starting' | 'up' | 'waiting' | 'draining' | 'ended';

export interface WorkerDeath {
  slot: number;
  /** threw, exited, out of memory, not ticking or not started in time; for the log. */
  reason: string;
  error: Error | null;
  livedMs: number;
  wasReady: boolean;
  /** Until the replacement starts; null when there is none. Milliseconds. */
  restartInMs: number | null;
}

/** What every worker says besides the messages this file does not read. */
export interface WorkerMessage {
  type: string;
}

export interface SlotOptions<M extends WorkerMessage> {
  slot: number;
  workerUrl: URL;
  /** Asked anew for each start, so that a replacement begins with the present policy. */
  workerData(): unknown;
  resourceLimits: ResourceLimits;
  /** All the environment a worker has: it is told what it needs, and the process's own holds secrets it does not. */
  env: NodeJS.ProcessEnv;
  /** Reads the counter the worker raises while it ticks. */
  beat(): number;
  /** Looks in a row without a beat until the worker counts as hanging. */
  looksMax: number;
  startTimeoutMs: number;
  backoff: BackoffOptions;
  /** Steady milliseconds. */
  now(): number;
  onUp(): void;
  onMessage(message: M): void;
  /** After the thread is gone and before a replacement starts: here its locks may be taken away. */
  onDeath(death: WorkerDeath): void;
  /** Text a worker wrote to its standard output or error: it should not, but warnings of Node do. */
  onText(text: string): void;
}

export interface WorkerSlot {
  readonly state: SlotState;
  readonly restarts: number;
  /** Lets a thread read its modules ahead of `start`, which then tells it what `workerData` is. */
  prepare(): void;
  start(): void;
  post(message: unknown): void;
  /** To be called at a steady interval. */
  look(): void;
  /** Sends `message`; resolves true when the worker said `drained` or left by itself, false when it was cut at the deadline. */
  drain(message: unknown, deadlineMs: number): Promise<boolean>;
  /** Ends the thread at once, for good. */
  stop(): Promise<void>;
}

/** Keeps one worker thread alive: starts it, watches its beat, replaces it when it dies. */
export function createWorkerSlot<M extends WorkerMessage>(options: SlotOptions<M>): WorkerSlot {
  const backoff = createBackoff(options.backoff);
  const heartbeat = createHeartbeatWatch(options.beat, options.looksMax);
  let state: SlotState = 'waiting';
  let worker: Worker | undefined;
  /** Where a thread that waits for its start hears of it. */
  let prepared: MessagePort | undefined;
  let exited: Promise<void> = Promise.resolve();
  let verdict: string | null = null;
  let starts = 0;
  let restartTimer: NodeJS.Timeout | undefined;
  let startTimer: NodeJS.Timeout | undefined;
  let onDrained: (() => void) | undefined;

  /** Ends a thread that no longer answers; its exit is then handled like any other death. */
  const condemn = (why: string) => {
    verdict ??= why;
    void worker?.terminate();
  };

  const start = () => {
    if (state === 'ended') return;
    state = 'starting';
    verdict = null;
    starts += 1;
    heartbeat.reset();
    if (prepared === undefined) open(options.workerData());
    else prepared.postMessage(options.workerData());
    prepared = undefined;
    startTimer = setTimeout(() => condemn('it was not ready in time'), options.startTimeoutMs);
  };

  const open = (workerData: unknown, transferList: Transferable[] = []) => {
    const startedAt = options.now();
    let error: Error | null = null;
    const thread = new Worker(options.workerUrl, {
      name: `gateway-${options.slot}`,
      workerData,
      transferList,
      resourceLimits: options.resourceLimits,
      env: options.env,
      stdout: true,
      stderr: true,
    });
    worker = thread;
    for (const stream of [thread.stdout, thread.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => options.onText(text));
    }
    thread.on('message', (message: M) => {
      if (message.type === 'ready') {
        clearTimeout(startTimer);
        if (state === 'starting') {
          state = 'up';
          options.onUp();
        }
      }
      options.onMessage(message);
      if (message.type === 'drained') onDrained?.();
    });
    thread.on('error', (thrown: unknown) => {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    });
    exited = new Promise((resolve) => {
      thread.once('exit', (code) => {
        clearTimeout(startTimer);
        bury(startedAt, error, code);
        resolve();
      });
    });
  };

  const bury = (startedAt: number, error: Error | null, code: number) => {
    const unasked = prepared !== undefined;
    prepared = undefined;
    const wasReady = state === 'up' || state === 'draining';
    const expected = state === 'draining' || state === 'ended';
    worker = undefined;
    // The one that `start` opens then says what is wrong.
    if (unasked) return;
    onDrained?.();
    if (expected && error === null && verdict === null) {
      state = 'ended';
      return;
    }
    const livedMs = options.now() - startedAt;
    const restartInMs = expected ? null : backoff.afterDeath(wasReady ? livedMs : 0);
    state = expected ? 'ended' : 'waiting';
    options.onDeath({
      slot: options.slot,
      reason: reasonOf(verdict, error, code),
      error,
      livedMs,
      wasReady,
      restartInMs,
    });
    // onDeath may have stopped the slot.
    if (restartInMs === null || (state as SlotState) === 'ended') return;
    if (restartInMs === 0) start();
    else restartTimer = setTimeout(start, restartInMs);
  };

  const stop = async () => {
    state = 'ended';
    clearTimeout(restartTimer);
    clearTimeout(startTimer);
    await worker?.terminate();
    await exited;
  };

  return {
    get state() {
      return state;
    },
    get restarts() {
      return Math.max(0, starts - 1);
    },
    prepare() {
      const { port1, port2 } = new MessageChannel();
      prepared = port1;
      open({ slot: options.slot, begin: port2 }, [port2]);
    },
    start,
    stop,
    post(message) {
      // Before its start it is nobody's: all it needs to know comes with that.
      if (prepared === undefined) worker?.postMessage(message);
    },
    look() {
      if (state === 'up' && heartbeat.look()) condemn('it stopped ticking');
    },
    async drain(message, deadlineMs) {
      if (state !== 'up') {
        await stop();
        return true;
      }
      state = 'draining';
      const drained = new Promise<boolean>((resolve) => {
        const deadline = setTimeout(() => resolve(false), deadlineMs);
        onDrained = () => {
          clearTimeout(deadline);
          resolve(true);
        };
      });
      worker?.postMessage(message);
      const inTime = await drained;
      await stop();
      return inTime;
    },
  };
}

function reasonOf(verdict: string | null, error: Error | null, code: number): string {
  if (verdict !== null) return verdict;
  if (error === null) return `it exited with code ${code}`;
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it ran out of memory';
  return `it threw: ${error.message}`;
}
