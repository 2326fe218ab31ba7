import type { AdminServer } from '../admin/index.ts';
import { within } from '../events/index.ts';
import type { HealthMonitor } from '../upstream/index.ts';
import type { Hub } from '../websocket/index.ts';
import type { BanKeeper } from './blocklist/ban-keeper.ts';
import type { DataPlane } from './data-plane.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { EventsKeeper } from './events/events-keeper.ts';
import type { LimitsKeeper } from './limits-keeper.ts';
import type { OpenLog } from './logs.ts';
import type { PolicyKeeper } from './policy-keeper.ts';
import type { StoreKeeper } from './store/store-keeper.ts';

export interface EndingParts {
  dataPlane: DataPlane;
  health: HealthMonitor;
  hub: Hub;
  bans: Pick<BanKeeper, 'close' | 'stop'>;
  admin: AdminServer | null;
  limits: LimitsKeeper;
  /** null: no other instance has anything with this one. */
  cluster: Pick<Cluster, 'giveBack' | 'close' | 'stop'> | null;
  policy: PolicyKeeper;
  /** null: none is kept. */
  store: StoreKeeper | null;
  events: Pick<EventsKeeper, 'drain' | 'stop'>;
  log: OpenLog;
  /** Ends watching and reloading. */
  close(): void;
}

/** What probes may still take of the admin listener when all else has ended. Milliseconds. */
const adminGraceMs = 250;
/** What the last usage may take on its way into the ledger. Where that is away it waits in the journals. Milliseconds. */
const storeFlushMs = 5_000;
/** What events that are due may take to their sinks. Those that do not get there wait in the store. Milliseconds. */
const eventsDrainMs = 5_000;
/** Beyond it: for the last word to the store. */
const eventsGraceMs = 5_000;

/** The two ways a gateway ends; each ends it once, however often it is asked. */
export function createEnding({
  dataPlane,
  health,
  hub,
  bans,
  admin,
  limits,
  cluster,
  policy,
  store,
  events,
  log,
  close,
}: EndingParts) {
  const { logger } = log;
  let drained: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const drain = async () => {
    const deadlineMs = policy.config.server.drain_timeout;
    const began = performance.now();
    logger.info({ deadlineMs }, 'draining');
    close();
    await health.stop();
    const { cut } = await dataPlane.drain(deadlineMs);
    await hub.close();
    if (cut > 0) logger.warn({ workers: cut }, 'calls were still under way at the deadline and were cut');
    // Only now: until the workers have ended their takes would be lost.
    await cluster?.giveBack();
    await limits
      .save(policy.keyNameOf)
      .catch((error: unknown) => logger.error({ err: error }, 'the state of limits was not saved'));
    await bans.close();
    if ((await within(eventsDrainMs + eventsGraceMs, events.drain(eventsDrainMs))) === null)
      logger.error(
        { kind: 'events' },
        'the delivery of events did not end in time: the end goes on without it',
      );
    await cluster?.close();
    await store?.close(storeFlushMs);
    await admin?.close(adminGraceMs);
    logger.info({ tookMs: Math.round(performance.now() - began) }, 'drained');
    await log.flush();
  };

  const stop = async () => {
    close();
    bans.stop();
    cluster?.stop();
    await Promise.all([
      health.stop(),
      hub.close(),
      dataPlane.stop(),
      within(eventsGraceMs, events.stop()).then(() => store?.stop()),
      admin?.close(0),
      log.flush(),
    ]);
  };

  return {
    drain: () => (drained ??= drain()),
    stop: () => (stopped ??= stop()),
  };
}
