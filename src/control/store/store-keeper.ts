import { AccountsError } from '../../accounts/index.ts';
import type { OperationsPort, ReadinessCheck } from '../../admin/index.ts';
import type { Config } from '../../config/index.ts';
import type { Outbox } from '../../events/index.ts';
import { type StoreAdmin, StoreError } from '../../store/index.ts';
import type { BanKeeper } from '../blocklist/ban-keeper.ts';
import type { DataPlane } from '../data-plane.ts';
import type { Logger } from '../logs.ts';
import type { PolicyKeeper, QuotaOwner } from '../policy-keeper.ts';
import { createSingleFlight } from '../single-flight.ts';
import { createStoredKeys } from './stored-keys.ts';
import type { PackedKeys } from './packed-keys.ts';
import { createQuotaKeeper, type QuotaKeeper, type QuotaKeeperOptions } from './quota-keeper.ts';
import { createQuotaSync } from './quota-sync.ts';
import { storeChangeOf, storeStartOf } from './settings.ts';
import { type StoreFacts, storeChecks } from './store-checks.ts';
import { createStoreOutbox } from './store-outbox.ts';
import { createStoreLink } from './store-link.ts';

/** All that a running gateway has of its store: the thread, the keys in the policy, the quotas. */
export interface StoreKeeper {
  /**
   * Resolves when keys and quotas are those of the store, or with it away after its first try, or after `boundMs`: the gateway
   * starts all the same, and they come once the store is there. Rejects with StoreError where it can never be opened so.
   */
  loaded(boundMs: number): Promise<void>;
  /** The policy has this config's keys now. */
  reloaded(config: Config): void;
  ownQuota(owner: QuotaOwner): void;
  publishAdmin(admin: StoreAdmin): void;
  checks(): ReadinessCheck[];
  /** What `checks` are made of. */
  facts(): StoreFacts;
  quotaLedger: QuotaKeeper['ledgerOf'];
  operations: OperationsPort;
  /** Of events; `by` names this instance in it, `shared`: others use it too. */
  outbox: { outbox: Outbox; by: string; shared: boolean };
  /** After the workers ended: what is left goes into the ledger, as far as `flushMs` goes. */
  close(flushMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface StoreKeeperOptions {
  config: Config;
  /** Of this process: names its journals. */
  run: string;
  policy: PolicyKeeper;
  /** Where quotas are counted. */
  slots: QuotaKeeperOptions['buckets'];
  bans: Pick<BanKeeper, 'replace' | 'changed' | 'endedSince' | 'keepIn' | 'resume'>;
  dataPlane: Pick<DataPlane, 'apply' | 'keysChanged' | 'usageLost' | 'journalProblem'>;
  logger: Logger;
  compileCache: string | undefined;
  threadUrl?: URL;
  wallMs(): number;
}

// Sources run as they are, and the published package as JavaScript.
const threadUrl = new URL(
  `./store-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);
/** Between two tries of what failed. */
const RETRY_MS = 1000;
/** The store's thread reads ten pieces with one statement: main need not wait for the next ten. */
const PIECES_AHEAD = 10;
/** Between two times that bans which ended long ago are deleted. */
const FORGET_MS = 3_600_000;

/** Null where the config keeps no store. */
export function createStoreKeeper(options: StoreKeeperOptions): StoreKeeper | null {
  const { config, policy, bans, dataPlane, logger, wallMs } = options;
  const start = storeStartOf(config, options.run);
  if (start === null) return null;
  const { kind } = start.store;
  let keys: number | null = null;
  let closing = false;
  let retry: NodeJS.Timeout | undefined;
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => undefined);

  const stored = createStoredKeys({
    policy,
    apply: dataPlane.apply,
    changed: dataPlane.keysChanged,
    logger,
    wallMs,
  });
  const quotas = createQuotaKeeper({
    buckets: options.slots,
    ownerOf: policy.keyNameOf,
    use: (input) => link.ask('quota.use', input),
    wallMs,
  });

  /** The thread reads the next pieces while main is at this one. */
  async function* pieces(): AsyncGenerator<PackedKeys> {
    const asked = [link.ask('keys.first', null)];
    for (;;) {
      while (asked.length <= PIECES_AHEAD) {
        const next = link.ask('keys.next', null);
        next.catch(() => undefined);
        asked.push(next);
      }
      const piece = await asked.shift()!;
      if (piece === null) return;
      yield piece;
    }
  }

  /** What the store has, whole: at start, when it comes back, when changes were missed. */
  const refresh = createSingleFlight(async () => {
    if (closing || !link.state().up) return;
    clearTimeout(retry);
    let what = 'ledger';
    let whole = false;
    try {
      // The ledger first: journals of earlier runs are this machine's use, too.
      whole = await link.ask('flush', null);
      what = 'keys of the store';
      const began = performance.now();
      ({ keys } = await stored.replace(pieces(), await link.ask('keys.count', null)));
      logger.info({ kind: 'store', keys, tookMs: Math.round(performance.now() - began) }, `${what} read`);
      what = 'bans of the store';
      await readBans();
    } catch (error) {
      if (closing) return;
      logger.warn({ kind: 'store', err: error }, `the ${what} could not be read, what is known stays`);
      retry = setTimeout(() => void refresh(), RETRY_MS);
    }
    // Not before there were keys: their slots would be taken for new ones.
    if (closing || keys === null) return;
    await quotaSync.load(whole);
    first.resolve();
  });

  /** Changes of ours that wait are written after it: they are newer. */
  const readBans = async (): Promise<void> => {
    bans.replace(await link.ask('bans.read', { endedSince: bans.endedSince() }));
    bans.resume();
  };

  const link = createStoreLink({
    threadUrl: options.threadUrl ?? threadUrl,
    start,
    compileCache: options.compileCache,
    logger,
    onUp: () => {
      quotas.answeredBy(link.state().restarts);
      void refresh();
    },
    onAway: () => {
      if (keys === null)
        logger.warn({ kind: 'store' }, 'only the keys of the config are known until the store is there');
      first.resolve();
    },
    onKey: ({ id, key }) => stored.change(id, key),
    onKeys: () => void refresh(),
    onBan: ({ ban }) => bans.changed(ban),
    // Where it fails the store is away, and all is read once it is back.
    onBans: () => void (link.state().up && readBans().catch(() => undefined)),
    onUnusable: (error: StoreError) => {
      logger.error({ kind: 'store', code: error.code }, error.message);
      first.reject(error);
    },
    epochMs: wallMs,
  });

  const quotaSync = createQuotaSync({ quotas, link, shared: kind === 'postgres', logger });

  const facts = (): StoreFacts => ({
    quotaProblem: quotaSync.problem(),
    ...{ kind, keys, lost: dataPlane.usageLost(), journalProblem: dataPlane.journalProblem() },
    ...link.state(),
  });

  /** Where it fails, an hour later. */
  const forgets = setInterval(() => {
    link.ask('bans.forget', { endedBefore: bans.endedSince() }).catch(() => undefined);
  }, FORGET_MS).unref();

  bans.keepIn({
    shared: kind === 'postgres',
    write: (changes) => link.ask('bans.write', changes),
    read: (prefixes) => link.ask('bans.of', { prefixes }),
  });
  return {
    async loaded(boundMs) {
      let bound: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        bound = setTimeout(() => {
          logger.warn({ kind: 'store' }, 'the store takes long: serving begins without it');
          resolve();
        }, boundMs);
      });
      quotas.restored();
      await Promise.race([first.promise, late]).finally(() => clearTimeout(bound));
    },
    reloaded(next) {
      link.configure(storeChangeOf(next));
    },
    ownQuota: quotaSync.own,
    publishAdmin: link.publishAdmin,
    checks: () => storeChecks(facts()),
    facts,
    quotaLedger: quotas.ledgerOf,
    operations: {
      run: (name, input) =>
        link.ask('operation', { name, input }).catch((error: unknown) => {
          throw error instanceof StoreError ? new AccountsError('unavailable', error.message) : error;
        }),
    },
    outbox: { outbox: createStoreOutbox(link), by: start.instance, shared: kind === 'postgres' },
    async close(flushMs) {
      closing = true;
      for (const timer of [retry, forgets]) clearTimeout(timer);
      quotaSync.stop();
      const flushed = await link.close(flushMs);
      if (!flushed)
        logger.warn(
          { kind: 'store' },
          'usage is left in the journals: the next start brings it into the ledger',
        );
    },
    async stop() {
      closing = true;
      for (const timer of [retry, forgets]) clearTimeout(timer);
      quotaSync.stop();
      await link.stop();
    },
  };
}
