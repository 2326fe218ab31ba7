import type { Logger } from '../logs.ts';
import type { QuotaOwner } from '../policy-keeper.ts';
import { createSingleFlight } from '../single-flight.ts';
import type { QuotaKeeper } from './quota-keeper.ts';
import type { StoreLink } from './store-link.ts';

/** When quotas are set by the ledger: whole, by what others used, for new owners, and again where that failed. */
export interface QuotaSync {
  /**
   * Sets all of them; resolves when that is done or has failed, which is tried again. `whole`: the ledger has all that journals
   * of earlier runs hold. From the first call on others' use is looked after.
   */
  load(whole: boolean): Promise<void>;
  own(owner: QuotaOwner): void;
  /** Why quotas do not know what others used, or what was used before; null: they do. */
  problem(): string | null;
  stop(): void;
}

export interface QuotaSyncOptions {
  quotas: QuotaKeeper;
  link: Pick<StoreLink, 'ask' | 'state'>;
  /** Others use the same ledger. */
  shared: boolean;
  logger: Pick<Logger, 'info' | 'error'>;
}

/** Between two looks at what other instances used, between two whether the ledger has all, and between tries of what failed. */
const SYNC_MS = 2000;
const CATCH_UP_MS = 1000;
const RETRY_MS = { first: 1000, max: 30_000 };
/** A query as long as the interval, or longer, is not asked all the time. */
const REST = 4;
/** Keys come in numbers: their quotas are read together. */
const SYNC_NEW_MS = 50;

export function createQuotaSync({ quotas, link, shared, logger }: QuotaSyncOptions): QuotaSync {
  let due: 'all' | 'changed' = 'all';
  let lacking = false;
  let loaded = false;
  let stopped = false;
  let failures = 0;
  let problem: string | null = null;
  let looks: NodeJS.Timeout | undefined;
  let syncNew: NodeJS.Timeout | undefined;

  const worked = () => {
    if (problem !== null) logger.info({ kind: 'store' }, 'quotas are those of the ledger again');
    problem = null;
    failures = 0;
  };

  const failed = (error: unknown) => {
    // An answer that was lost may have been of what changed.
    due = 'all';
    // That the store is away is told by its state, and once it is back all is read.
    if (stopped || !link.state().up) return;
    failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    const next = `quotas could not be read from the ledger, they go on as they are: ${reason}`;
    if (next !== problem) logger.error({ kind: 'store', err: error }, next);
    problem = next;
  };

  /** The ledger had refused, or a journal could not be read: quotas are set once it has all of it. */
  async function catchUp(): Promise<void> {
    const { journals } = link.state();
    if (!lacking || journals.behindSinceMs !== null || !(await link.ask('flush', null))) return;
    lacking = false;
    quotas.lacks(false);
    due = 'all';
  }

  const look = createSingleFlight(async () => {
    clearTimeout(looks);
    const began = performance.now();
    if (link.state().up) {
      try {
        await catchUp();
        if (shared || due === 'all') {
          const of = due;
          due = 'changed';
          await quotas.sync(of);
        }
        worked();
      } catch (error) {
        failed(error);
      }
    }
    lookLater(performance.now() - began);
  });

  function lookLater(tookMs: number): void {
    clearTimeout(looks);
    if (stopped || !(shared || lacking || due === 'all')) return;
    const retryMs = Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.max);
    const waitMs = failures > 0 ? retryMs : lacking ? CATCH_UP_MS : SYNC_MS;
    looks = setTimeout(() => void look(), Math.max(waitMs, tookMs * REST));
  }

  return {
    load(whole) {
      lacking = !whole;
      quotas.lacks(lacking);
      due = 'all';
      loaded = true;
      return look();
    },
    own(owner) {
      quotas.own(owner);
      syncNew ??= setTimeout(() => {
        syncNew = undefined;
        if (!loaded || !link.state().up) return;
        quotas.syncNew().catch((error: unknown) => {
          failed(error);
          lookLater(0);
        });
      }, SYNC_NEW_MS);
    },
    problem: () => problem,
    stop() {
      stopped = true;
      clearTimeout(looks);
      clearTimeout(syncNew);
    },
  };
}
