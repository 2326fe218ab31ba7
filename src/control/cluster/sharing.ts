import type { FromWorker, ToWorker } from '../../gateway/index.ts';
import { type QuotaNeed, setAway, setHere, setPlace } from '../../limits/index.ts';
import { createLeaseStore } from '../../redis/index.ts';
import type { LimitsKeeper } from '../limits-keeper.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import { createLeasing } from './leasing.ts';
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
  /** Of this run of this instance. */
  bootId: string;
  needQuota(need: QuotaNeed, done: () => void): void;
  post(slot: number, message: Extract<ToWorker, { type: 'leased' }>): void;
}

/** undefined: no other instance has these buckets. */
export function createSharing(options: SharingOptions): Sharing | undefined {
  const { limits, redis } = options;
  const { link, members, settings } = redis;
  const { memory, buckets, nowMicros } = limits;
  const { leases } = memory;
  if (leases === null || buckets.leases === null) return undefined;

  const setPresence = ({ away }: { away: boolean }): void => {
    if (away) setAway(leases, nowMicros());
    else setHere(leases);
  };
  link.guard.onChange(setPresence);
  setPresence(link.guard.state());

  const place = (): void => {
    const { ids, rank } = members.state();
    setPlace(memory, { instances: ids.length, rank });
  };
  members.onChange(place);
  place();

  const store = createLeaseStore({
    ...{ client: link.client, guard: link.guard, prefix: settings.prefix },
    ...{ timeoutMs: settings.command_timeout, holder: options.bootId },
  });
  return createLeasing({
    ...{ memory: leases, table: buckets.leases, store, nowMicros },
    shapeOf: options.policy.shapeOf,
    needQuota: options.needQuota,
    post: options.post,
  });
}
