import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Environment } from '../config/index.ts';
import { workerUrl } from '../gateway/index.ts';
import { createBoardMemory, createHealthMonitor } from '../upstream/index.ts';
import { createHub } from '../websocket/index.ts';
import { createGatewayAlerts } from './alerts/gateway-alerts.ts';
import { claimAddress } from './bind.ts';
import { createBanKeeper } from './blocklist/ban-keeper.ts';
import type { Configuration } from './configuration.ts';
import { createDataPlane, workerCount } from './data-plane.ts';
import { createEventsKeeper } from './events/events-keeper.ts';
import { createHealthLog } from './health-log.ts';
import { createHubLog } from './hub-log.ts';
import { instanceIdOf } from './instance-id.ts';
import { createLimitsKeeper, type LimitsKeeper } from './limits-keeper.ts';
import type { Logger, OpenLog } from './logs.ts';
import { createPolicyKeeper, type PolicyKeeper, type QuotaOwner } from './policy-keeper.ts';
import { cannotListen } from './start-error.ts';
import { stateFileName } from './state-file.ts';
import { journalFolderOf } from './store-place.ts';
import { createStoreKeeper } from './store/store-keeper.ts';
import type { PoolTiming } from './worker-pool.ts';

export interface InsideOptions {
  env: Environment;
  /** For tests: another worker, other times. */
  workerUrl?: URL;
  timing?: Partial<PoolTiming>;
}

/** What stands between the listeners: memory, policy and workers, not started yet. */
export async function createInside(options: InsideOptions, { config, tls }: Configuration, log: OpenLog) {
  const { logger } = log;
  const { listen, state_dir: stateDir } = config.server;
  // Of this process alone, for callers and nodes: two that have one state folder by mistake must not take each other for themselves.
  const instanceId = randomBytes(9).toString('base64url');
  const bootId = Date.now().toString(36) + randomBytes(2).toString('hex');
  // Names journals, which many instances bring into one store for ever: two may start in one millisecond.
  const run = Date.now().toString(36) + randomBytes(8).toString('hex');
  const address = await claimAddress(listen.host, listen.port).catch(cannotListen);
  if (!address.reusePort) logger.warn('this platform cannot share a port between workers: one worker serves');
  const limits = await createLimitsKeeper({
    path: stateDir === null ? null : join(stateDir, stateFileName),
    entries: config.limits.table_entries,
    quotaSlots: config.limits.quota_slots,
    shared: config.redis !== null,
    randomSeed: () => crypto.getRandomValues(new Uint32Array(4)),
    wallMs: Date.now,
  });
  /** Owners of quotas before the store is there to count for them. */
  const early: QuotaOwner[] = [];
  let hearOwner = (owner: QuotaOwner): void => void early.push(owner);
  const policy = createPolicyKeeper(config, {
    limits,
    wallMs: Date.now,
    onQuotaOwner: (owner) => hearOwner(owner),
  });
  // Workers begin with it: a stored key with the same rules as one of the config need not wait for another.
  policy.applied(policy.snapshot.generation, false);
  restoreLimits(limits, policy, logger);
  const workers = workerCount(config.server.workers, address.reusePort);
  const board = createBoardMemory(workers);
  const hub = createHub({
    board,
    send: (slot, message) => dataPlane.sayOfHub(slot, message),
    onEvent: createHubLog(logger, policy.keyByNumber),
  });
  // Loaded where there is one: 30 ms of each start else.
  const cluster =
    config.redis &&
    (await (
      await import('./cluster/cluster.ts')
    ).openCluster(config.redis, {
      ...{ config, limits, policy, run, logger, id: instanceIdOf(stateDir) },
      ledgerOf: (name, periodId) => store?.quotaLedger(name, periodId),
      post: (slot, message) => dataPlane.sayOfLeases(slot, message),
      workersAway: () => dataPlane.figures.totals().counters.redisAway,
      emit: (draft) => events.emit(draft),
    }));
  const bans = createBanKeeper({
    ...{ config, snapshot: policy.snapshot, logger },
    // Nothing happens before it is there.
    events: {
      emit: (draft) => events.emit(draft),
      prepare: (draft) => events.prepare(draft),
      added: () => events.added(),
    },
    seed: crypto.getRandomValues(new Uint32Array(4)),
    shared: cluster && cluster.bans,
    epochMs: Date.now,
    steadyMs: () => performance.now(),
  });
  const journals = journalFolderOf(config);
  const dataPlane = createDataPlane({
    workerUrl: options.workerUrl ?? workerUrl,
    ...{ workers, address, tls, limits, board, hub, instanceId, logger },
    bans: bans.memory,
    violated: bans.violated,
    snapshot: () => policy.snapshot,
    bootId,
    keysMax: config.limits.quota_slots,
    journal: journals === null ? null : { folder: journals, run },
    redis: config.redis,
    onLeases: (slot, needs) => cluster?.hear(slot, needs),
    onEvents: (told) => events.heard(told),
    compileCache: options.env['NODE_COMPILE_CACHE'],
    timing: options.timing,
  });
  const logHealth = createHealthLog(logger);
  const health = createHealthMonitor({
    board,
    onEvent(event) {
      logHealth(event);
      events.health(event);
    },
  });
  const store = createStoreKeeper({
    ...{ config, policy, bans, dataPlane, logger, run },
    slots: cluster?.quotas.slots ?? limits.buckets,
    compileCache: options.env['NODE_COMPILE_CACHE'],
    wallMs: Date.now,
  });
  const events = createEventsKeeper({
    ...{ config, logger, write: log.write },
    outbox: store?.outbox ?? null,
    keyByNumber: policy.keyByNumber,
    watched: health.state,
    redis: cluster && cluster.watch,
    epochMs: Date.now,
  });
  hearOwner = (owner) => {
    cluster?.quotas.leases.own(owner);
    store?.ownQuota(owner);
  };
  for (const owner of early) store?.ownQuota(owner);
  const alerts = createGatewayAlerts({ events, dataPlane, health, policy, limits, store, logger });
  return {
    address,
    instanceId,
    limits,
    policy,
    dataPlane,
    board,
    health,
    hub,
    bans,
    store,
    events,
    alerts,
    cluster,
  };
}

function restoreLimits(limits: LimitsKeeper, policy: PolicyKeeper, logger: Logger): void {
  const restored = limits.restore(policy.quotaSlotOf);
  if (restored === null) return;
  if ('problem' in restored)
    logger.warn(`the saved state of limits is not used: ${restored.problem}; all buckets start full`);
  else logger[restored.nothing ? 'debug' : 'info'](`restored ${restored.restored} of the last run`);
}
