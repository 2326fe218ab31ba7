import type { FromWorker, ToWorker } from '../../gateway/index.ts';
import { setAway, setHere, setPlace } from '../../limits/index.ts';
import { createLeaseStore } from '../../redis/index.ts';
import type { LimitsKeeper } from '../limits-keeper.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import type { KnownPlace } from './known-place.ts';
import { createLeasing } from './leasing.ts';
import type { QuotaLeases } from './quota-leases.ts';
import type { RedisKeeper } from './redis-keeper.ts';

/** Buckets that other instances have as well, on main. */
export interface Sharing {
  hear(slot: number, needs: Extract<FromWorker, { type: 'leases' }>['needs']): void;
  /** Buckets of which this instance holds something. */
  readonly held: number;
  /** Gives all back, once the workers have ended. */
  close(): Promise<void>;
}

export interface SharingOptions {
  limits: LimitsKeeper;
  policy: Pick<PolicyKeeper, 'shapeOf'>;
  redis: Pick<RedisKeeper, 'link' | 'members' | 'settings'>;
  /** As it was when this instance last ran. */
  known: KnownPlace;
  /** Of this run of this instance. */
  bootId: string;
  quotas: Pick<QuotaLeases, 'need' | 'drain'>;
  post(slot: number, message: Extract<ToWorker, { type: 'leased' }>): void;
}

/** What is held of quotas goes back within so long, or is stranded as where an instance dies. */
const DRAIN_MS = 1000;

export function createSharing(options: SharingOptions): Sharing {
  const { limits, redis } = options;
  const { link, members, settings } = redis;
  const { memory, buckets, nowMicros } = limits;
  const { leases } = memory;
  if (leases === null || buckets.leases === null) throw new Error('these limits are not shared');

  const setPresence = ({ away }: { away: boolean }): void => {
    if (away) setAway(leases, nowMicros());
    else setHere(leases);
  };
  link.guard.onChange(setPresence);
  setPresence(link.guard.state());

  const before = options.known.read();
  if (before !== null) setPlace(memory, before);
  members.onNamed(() => {
    const place = (): void => {
      const { ids, rank } = members.state();
      const now = { instances: ids.length, rank };
      setPlace(memory, now);
      options.known.keep(now);
    };
    members.onChange(place);
    place();
  });

  const store = createLeaseStore({
    ...{ client: link.client, guard: link.guard, prefix: settings.prefix },
    ...{ timeoutMs: settings.command_timeout, holder: options.bootId },
  });
  const { quotas } = options;
  const leasing = createLeasing({
    ...{ memory: leases, table: buckets.leases, store, nowMicros },
    shapeOf: options.policy.shapeOf,
    needQuotas: quotas.need,
    post: options.post,
  });
  return {
    hear: leasing.hear,
    get held() {
      return leasing.held;
    },
    async close() {
      await Promise.all([leasing.close(), quotas.drain(DRAIN_MS)]);
    },
  };
}
