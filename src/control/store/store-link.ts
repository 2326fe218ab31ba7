import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type StateFolder, type StoreAdmin, StoreError } from '../../store/index.ts';
import { createBackoff, workerBackoff } from '../backoff.ts';
import type { Logger } from '../logs.ts';
import { errorOf } from './failure-error.ts';
import { holdFolder } from './hold-folder.ts';
import type {
  FromStore,
  RequestName,
  StoreRequests,
  StoreChange,
  StoreStart,
  StoreState,
  ToStore,
} from './messages.ts';

/**
 * Main's side of the store thread, which is replaced when it dies; the folder stays this process's meanwhile. Nothing of the data plane waits
 * for it.
 */
export interface StoreLink {
  /** Rejects with StoreError: `unavailable` where the thread is away or goes before it has answered. */
  ask<Name extends RequestName>(
    name: Name,
    input: StoreRequests[Name]['input'],
  ): Promise<StoreRequests[Name]['answer']>;
  /** What the thread is to know from now on, also one that replaces it. */
  configure(change: StoreChange): void;
  publishAdmin(admin: StoreAdmin): void;
  state(): StoreState & { restarts: number };
  /** Applies what is left within `flushMs`, closes the store and ends the thread. False: something is left for the next start. */
  close(flushMs: number): Promise<boolean>;
  /** Ends the thread at once. */
  stop(): Promise<void>;
}

export interface StoreLinkOptions {
  threadUrl: URL;
  start: StoreStart;
  /** Folder of Node's compile cache, if there is one. */
  compileCache: string | undefined;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** It answers, for the first time or again. */
  onUp(): void;
  /** It does not answer, for the reason its state gives. */
  onAway(): void;
  onKey(message: Extract<FromStore, { type: 'key' }>): void;
  onKeys(): void;
  onBan(message: Extract<FromStore, { type: 'ban' }>): void;
  onBans(): void;
  /** The store can never be opened as it is. */
  onUnusable(error: StoreError): void;
  epochMs(): number;
}

/** A pass of the applier folds some 4 MB of journal; operations and their results come on top. */
const OLD_GENERATION_MB = 160;
const YOUNG_GENERATION_MB = 4;
/** For what the thread does after `flushMs`: the store's own close. */
const CLOSE_MARGIN_MS = 2000;
/** Between two tries to take a folder that cannot be made or written to. */
const HOLD_MS = { first: 250, max: 5000 };

export function createStoreLink(options: StoreLinkOptions): StoreLink {
  const { logger, epochMs } = options;
  const backoff = createBackoff(workerBackoff);
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: unknown): void }>();
  let { start } = options;
  let asked = 0;
  let restarts = -1;
  let worker: Worker | undefined;
  let restart: NodeJS.Timeout | undefined;
  let held: StateFolder | undefined;
  let admin: StoreAdmin | null = null;
  const ended = new AbortController();
  let ending = false;
  let closed: ((flushed: boolean) => void) | undefined;
  let state: StoreState = {
    up: false,
    sinceMs: epochMs(),
    problem: 'it is being opened',
    journals: { lagBytes: 0, behindSinceMs: null, failures: 0, lastError: null, damage: [] },
  };

  const post = (message: ToStore) => worker?.postMessage(message);

  const setState = (next: StoreState) => {
    const { up: before, problem: problemBefore } = state;
    state = next;
    if (next.up && !before) options.onUp();
    else if (!next.up && next.problem !== problemBefore) options.onAway();
  };

  const hear = (message: FromStore) => {
    switch (message.type) {
      case 'answer':
      case 'failed': {
        const asker = waiting.get(message.ask);
        waiting.delete(message.ask);
        if (message.type === 'answer') asker?.resolve(message.answer as never);
        else asker?.reject(errorOf(message.error));
        break;
      }
      case 'state':
        return setState(message.state);
      case 'key':
        return options.onKey(message);
      case 'keys':
        return options.onKeys();
      case 'ban':
        return options.onBan(message);
      case 'bans':
        return options.onBans();
      case 'log':
        return logger[message.level]({ kind: 'store', ...message.fields }, message.msg);
      case 'unusable':
        end();
        return options.onUnusable(new StoreError(message.code, message.message));
      case 'closed':
        closed?.(message.flushed);
    }
  };

  const begin = () => {
    restarts += 1;
    const startedAt = epochMs();
    let failure = 'it ended';
    const thread = new Worker(options.threadUrl, {
      name: 'store',
      workerData: start,
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
      env: options.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: options.compileCache },
      stdout: true,
      stderr: true,
    });
    worker = thread;
    for (const stream of [thread.stdout, thread.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => logger.warn({ kind: 'store' }, text.trimEnd()));
    thread.on('message', hear);
    thread.on('error', (error: unknown) => {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    thread.once('exit', () => {
      worker = undefined;
      for (const { reject } of waiting.values()) reject(away('the store’s thread has ended'));
      waiting.clear();
      closed?.(false);
      if (ending) return release();
      const restartInMs = backoff.afterDeath(epochMs() - startedAt);
      logger.error({ kind: 'store', restartInMs, reason: failure }, 'the store’s thread died');
      setState({ ...state, up: false, sinceMs: epochMs(), problem: 'its thread died' });
      restart = setTimeout(begin, restartInMs);
    });
  };

  async function hold(): Promise<void> {
    for (let waitMs = HOLD_MS.first; !ending; waitMs = Math.min(waitMs * 2, HOLD_MS.max)) {
      try {
        held = await holdFolder(dirname(start.journal.folder), {
          epochMs,
          onWait: (reason) => logger.info({ kind: 'store' }, `the start waits: ${reason}`),
          signal: ended.signal,
        });
        if (ending) return release();
        publish();
        return begin();
      } catch (error) {
        if (ending) return;
        if (error instanceof StoreError && error.code === 'locked') {
          end();
          return options.onUnusable(error);
        }
        const problem = error instanceof Error ? error.message : String(error);
        if (problem !== state.problem) logger.error({ kind: 'store' }, `the store is away: ${problem}`);
        setState({ ...state, problem });
        await delay(waitMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    }
  }

  /** Only commands that look for a running gateway need it. */
  function publish(): void {
    try {
      held?.publishAdmin(admin);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ kind: 'store' }, `the admin listener's address is not shown beside the store: ${reason}`);
    }
  }

  function end(): void {
    ending = true;
    ended.abort();
    clearTimeout(restart);
  }

  function release(): void {
    held?.release();
    held = undefined;
  }

  void hold();
  return {
    ask: (name, input) =>
      new Promise((resolve, reject) => {
        if (worker === undefined || ending) return reject(away('the store’s thread is not there'));
        asked += 1;
        waiting.set(asked, { resolve, reject });
        post({ type: 'ask', ask: asked, name, input });
      }),
    configure(change) {
      start = { ...start, ...change };
      post({ type: 'settings', ...change });
    },
    publishAdmin(next) {
      admin = next;
      publish();
    },
    state: () => ({ ...state, restarts: Math.max(0, restarts) }),
    async close(flushMs) {
      end();
      if (worker === undefined) {
        release();
        return false;
      }
      const flushed = await new Promise<boolean>((resolve) => {
        const bound = setTimeout(() => resolve(false), flushMs + CLOSE_MARGIN_MS);
        closed = (all) => {
          clearTimeout(bound);
          resolve(all);
        };
        post({ type: 'close', flushMs });
      });
      await worker?.terminate();
      release();
      return flushed;
    },
    async stop() {
      end();
      await worker?.terminate();
      release();
    },
  };
}

function away(message: string): StoreError {
  return new StoreError('unavailable', message);
}
