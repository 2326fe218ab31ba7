import type { CloudEvent, EventType } from '../event.ts';
import * as limits from './limits.ts';
import * as operations from './operations.ts';
import { type Teller, type Told, whoOf } from './told.ts';

export type { Fact, Told } from './told.ts';

const tellers: { [Type in EventType]: Teller<Type> } = {
  'rate_limit.exceeded': limits.rateLimitExceeded,
  'burst.used': limits.burstUsed,
  'burst.depleted': limits.burstDepleted,
  'method.blocked': limits.methodBlocked,
  'quota.warning': limits.quotaWarning,
  'quota.exceeded': limits.quotaExceeded,
  'config.reloaded': operations.configReloaded,
  'ip.banned': operations.ipBanned,
  'ip.unbanned': operations.ipUnbanned,
  'upstream.down': operations.upstreamDown,
  'upstream.up': operations.upstreamUp,
  'redis.down': operations.redisDown,
  'redis.up': operations.redisUp,
  'alert.firing': operations.alertFiring,
  'alert.resolved': operations.alertResolved,
};

/** An event in words. Texts may hold what a caller wrote (a method’s name): escape them for where they go. */
export function tell({ type, subject, severity, data }: CloudEvent): Told {
  return (tellers[type] as Teller<never>)(data as never, { who: whoOf(subject), severity });
}
