import { setTimeout as delay } from 'node:timers/promises';
import type { AccountsContext } from '../../accounts/index.ts';
import { trimHeap } from '../../threads/index.ts';
import { openStore, type Store, StoreError } from '../../store/index.ts';
import { type Applier, type ApplierState, createApplier } from '../../usage/index.ts';
import { readBans, readBansOf } from '../blocklist/read-bans.ts';
import { watchBans } from '../blocklist/watch-bans.ts';
import { writeBans } from '../blocklist/write-bans.ts';
import { failureOf } from './failure.ts';
import { createKeyFeed } from './key-feed.ts';
import type { FromStore, RequestName, StoreRequests, StoreStart, ToStore } from './messages.ts';
import { createOwnUsage } from './own-usage.ts';

/** The store thread's work: journals into the ledger, changes of keys to main, and what main asks. */
export interface StoreService {
  hear(message: ToStore): void;
}

export interface StoreServiceOptions {
  start: StoreStart;
  tell(message: FromStore): void;
  /** After `closed` or `unusable`. */
  end(): void;
  epochMs(): number;
  random: AccountsContext['random'];
}

/** What the ledger is behind the journals, and what a loss of power may take. */
const APPLY_MS = 1000;
const SYNC_MS = 100;
const LOOK_MS = 1000;
const ANSWER_MS = 2000;
/** Most that is waited for a connection that hears of changes. */
const LISTEN_MS = 2000;
const REOPEN_MS = { first: 250, max: 5000 };
const TRIM_MS = 1000;
const MAINTAIN_MS = 3_600_000;
const notYet: ApplierState = { lagBytes: 0, behindSinceMs: null, failures: 0, lastError: null, damage: [] };

export function createStoreService(options: StoreServiceOptions): StoreService {
  const { tell, epochMs, start } = options;
  let { settings, configKeys, groups, sinks } = start;
  let store: Store | undefined;
  let applier: Applier | undefined;
  const closing = new AbortController();
  const { instance } = start;
  let clashes = '';
  let up = false;
  let sinceMs = epochMs();
  let problem: string | null = 'it is being opened';
  let requests: { [Name in RequestName]: Answering<Name> } | undefined;

  const state = () =>
    tell({ type: 'state', state: { up, sinceMs, problem, journals: applier?.state() ?? notYet } });
  const log = (level: 'info' | 'warn' | 'error', msg: string, fields: Record<string, unknown> = {}) =>
    tell({ type: 'log', level, msg, fields });

  const setUp = (next: boolean, why: string | null) => {
    if (up !== next) sinceMs = epochMs();
    if (!next && (up || problem !== why)) log('error', `the store is away: ${why}`);
    if (next && !up) log('info', 'the store is open');
    up = next;
    problem = why;
    state();
  };

  async function open(): Promise<void> {
    for (
      let waitMs = REOPEN_MS.first;
      !closing.signal.aborted;
      waitMs = Math.min(waitMs * 2, REOPEN_MS.max)
    ) {
      try {
        const opened = await openStore({
          ...start.store,
          ...folderOptions(start, (message) => log('warn', message)),
          now: epochMs,
        });
        if (closing.signal.aborted) return await opened.close();
        return await run(opened);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'schema') {
          tell({ type: 'unusable', code: error.code, message: error.message });
          return options.end();
        }
        setUp(false, messageOf(error));
        await delay(waitMs);
      }
    }
  }

  async function run(opened: Store): Promise<void> {
    store = opened;
    const { folder, run: own } = start.journal;
    const ledger = createOwnUsage(opened, (segment) => segment.startsWith(`${own}-`));
    const made = createApplier({
      ...{ folder, run: own, ledger, epochMs },
      settings: settings.applier,
      onRefusal(reason) {
        if (reason !== null) log('error', `usage waits in the journals: ${reason}`);
        else log('info', 'usage is in the store again up to now');
      },
      onDamage: (damage) => log('error', 'a usage journal cannot be read in part', { ...damage }),
    });
    applier = made;
    const feed = createKeyFeed(opened, tell);
    watchBans(opened, tell);
    const accounts: AccountsContext = {
      ...{ store: opened, now: epochMs, random: options.random },
      groups: () => groups,
      sinks: () => sinks,
      retention: () => settings.retention,
      // A reload may change it.
      get journals() {
        return { folder, keepMs: settings.applier.keepJournalMs };
      },
    };
    requests = {
      'keys.count': () => opened.policyKeyCount(),
      'keys.first': feed.first,
      'keys.next': feed.next,
      flush: () => made.flush(),
      'quota.use': (input) => ledger.use(input),
      'bans.read': ({ endedSince }) => readBans(opened, endedSince),
      'bans.of': ({ prefixes }) => readBansOf(opened, prefixes),
      async 'bans.forget'({ endedBefore }) {
        await opened.bans.forget(endedBefore);
        return null;
      },
      'bans.write': (changes) => writeBans(opened, changes),
      outbox: ({ verb, args }) =>
        (opened.outbox[verb] as (...args: readonly unknown[]) => Promise<unknown>)(...args),
      async operation({ name, input }) {
        // Only once it is asked for: the room takes 10 MB, and most gateways are asked little.
        const { runOperation } = await import('../../accounts/index.ts');
        return runOperation(accounts, name, input);
      },
    };
    made.start(APPLY_MS, SYNC_MS);
    if (start.store.kind === 'postgres') await listening(opened);
    if (closing.signal.aborted) return;
    setUp(true, null);
    // First: what follows may take long, and a database may go away under it.
    const looking = look(opened);
    await mirror();
    await maintain();
    // Not at once: main waits for keys and bans meanwhile.
    setTimeout(trimHeap, TRIM_MS).unref();
    // Named again, so that other instances do not take us for gone.
    setInterval(() => void mirror().then(maintain), MAINTAIN_MS).unref();
    await looking;
  }

  /** From when it hears of changes, or soon: what is read before that would have to be read again. */
  async function listening(opened: Store): Promise<void> {
    const heard = new AbortController();
    const end = opened.watchKeys((change) => {
      if (change === 'all') heard.abort();
    });
    const signal = AbortSignal.any([heard.signal, closing.signal]);
    await delay(LISTEN_MS, undefined, { signal }).catch(() => undefined);
    end();
  }

  /** Until the thread ends. */
  async function look(opened: Store): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await answering(opened);
        if (!up) {
          setUp(true, null);
          await mirror();
        }
      } catch (error) {
        setUp(false, messageOf(error));
      }
      state();
      await delay(LOOK_MS);
    }
  }

  /** A database that hangs is away long before its statements' timeouts end. */
  async function answering(opened: Store): Promise<void> {
    const late = setTimeout(() => setUp(false, `it has not answered for ${ANSWER_MS / 1000} s`), ANSWER_MS);
    try {
      await opened.ping();
    } finally {
      clearTimeout(late);
    }
  }

  async function mirror(): Promise<void> {
    try {
      const clashing = (await store?.mirrorConfigKeys(configKeys, instance)) ?? [];
      if (clashing.length > 0 && clashing.join() !== clashes)
        log('warn', 'keys of the config are not shown in the store: another has their hash', {
          keys: clashing,
        });
      clashes = clashing.join();
    } catch (error) {
      log('warn', `the config's keys are not shown in the store: ${messageOf(error)}`);
    }
  }

  async function maintain(): Promise<void> {
    try {
      await store?.maintain(settings.retention);
    } catch (error) {
      log('warn', `old usage was not deleted: ${messageOf(error)}`);
    }
  }

  async function close(flushMs: number): Promise<void> {
    closing.abort();
    const all = applier?.flush() ?? Promise.resolve(false);
    const flushed = await Promise.race([all, delay(flushMs, false, { ref: false })]);
    await Promise.race([applier?.stop(), delay(flushMs, undefined, { ref: false })]);
    await Promise.race([store?.close(), delay(flushMs, undefined, { ref: false })]);
    tell({ type: 'closed', flushed });
    options.end();
  }

  async function answer<Name extends RequestName>(
    name: Name,
    input: StoreRequests[Name]['input'],
  ): Promise<StoreRequests[Name]['answer']> {
    // A person who waits is told at once.
    if (requests === undefined || (!up && name === 'operation'))
      throw new StoreError('unavailable', `the store is away: ${problem}`);
    return requests[name](input);
  }

  void open().catch((error: unknown) => {
    throw error;
  });

  return {
    hear(message) {
      if (message.type === 'close') void close(message.flushMs);
      else if (message.type === 'settings') {
        ({ settings, configKeys, groups, sinks } = message);
        applier?.configure(settings.applier);
        void mirror();
      } else {
        const { ask } = message;
        answer(message.name, message.input as never).then(
          (value) => tell({ type: 'answer', ask, answer: value }),
          (error: unknown) => tell({ type: 'failed', ask, error: failureOf(error) }),
        );
      }
    },
  };
}

type Answering<Name extends RequestName> = (
  input: StoreRequests[Name]['input'],
) => Promise<StoreRequests[Name]['answer']>;

/** Main holds the folder, and this thread works in it. */
function folderOptions({ store }: StoreStart, onNews: (message: string) => void) {
  return store.kind === 'sqlite' ? { owner: 'held' as const, onNews } : {};
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
