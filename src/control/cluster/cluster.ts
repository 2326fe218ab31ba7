import { join } from 'node:path';
import type { Config, RedisSettings } from '../../config/index.ts';
import type { FromWorker, ToWorker } from '../../gateway/index.ts';
import { after } from '../../redis/index.ts';
import type { BansOfAll } from '../blocklist/ban-keeper.ts';
import type { LimitsKeeper } from '../limits-keeper.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import type { LedgerSums } from '../store/quota-keeper.ts';
import { createKnownPlace, placeFile } from './known-place.ts';
import { createQuotaSharing, type QuotaSharing } from './quota-sharing.ts';
import { openRedisKeeper, type RedisKeeper } from './redis-keeper.ts';
import { createRedisWatch, type RedisWatch, type RedisWatchOptions } from './redis-watch.ts';
import { sharedBansOf } from './shared-bans-of.ts';
import { createSharing } from './sharing.ts';

/** What this instance has with others over one Redis, on main. */
export interface Cluster {
  readonly redis: RedisKeeper;
  readonly watch: RedisWatch;
  readonly quotas: QuotaSharing;
  readonly bans: BansOfAll;
  /** What a worker needs of buckets and quotas. */
  hear(slot: number, needs: Extract<FromWorker, { type: 'leases' }>['needs']): void;
  /** What is held goes back. Once the workers have ended, whose takes would be lost. */
  giveBack(): Promise<void>;
  /** Takes leave of the others and ends the connection, once all that goes there has gone. */
  close(): Promise<void>;
  stop(): void;
}

export interface ClusterOptions extends Pick<RedisWatchOptions, 'logger' | 'emit' | 'workersAway'> {
  config: Config;
  limits: LimitsKeeper;
  policy: PolicyKeeper;
  /** Of this instance, the same after a restart where it can be; and of this run of it. */
  id: string;
  run: string;
  /** See `QuotaKeeper`; undefined: there is no ledger. */
  ledgerOf(name: string, periodId: number): LedgerSums | undefined;
  post(slot: number, message: Extract<ToWorker, { type: 'leased' }>): void;
}

/** Waits for Redis no longer than a connection may take. */
export async function openCluster(settings: RedisSettings, options: ClusterOptions): Promise<Cluster> {
  const { config, limits, policy, id, run, logger } = options;
  const redis = await openRedisKeeper(settings, { id, run });
  const quotas = createQuotaSharing({
    ...{ config, limits, policy, redis, run },
    ledgerOf: options.ledgerOf,
    wallMs: Date.now,
  });
  const { state_dir: stateDir } = config.server;
  const known = createKnownPlace({ path: stateDir && join(stateDir, placeFile), after });
  const sharing = createSharing({
    ...{ limits, policy, redis, known, bootId: run, quotas: quotas.leases },
    post: options.post,
  });
  const watch = createRedisWatch({
    ...{ redis, logger, emit: options.emit, workersAway: options.workersAway },
    leases: () => sharing.held,
    epochMs: Date.now,
    after,
  });
  return {
    ...{ redis, watch, quotas, hear: sharing.hear },
    bans: sharedBansOf(redis, run, config.blocklist.max_bans),
    giveBack: sharing.close,
    close: redis.close,
    stop() {
      known.stop();
      quotas.leases.stop();
      watch.stop();
      redis.stop();
    },
  };
}
