import type { Config } from '../config.ts';
import type { Finding } from '../finding.ts';
import type { ParsedConfig } from '../schema/index.ts';
import { checkAlerts } from './alerts.ts';
import { checkBlocklist } from './blocklist.ts';
import { type CheckContext, createCheckContext } from './context.ts';
import { checkCosts } from './costs.ts';
import { checkEvents } from './events.ts';
import { checkKeys } from './keys.ts';
import { checkLimits } from './limits.ts';
import { checkListeners } from './listeners.ts';
import { checkMethods } from './methods.ts';
import { checkNetworks } from './networks.ts';
import { checkPools } from './pools.ts';
import { checkRedis } from './redis.ts';
import { checkSettings } from './settings.ts';
import { checkStore } from './store.ts';
import { checkUpstreams } from './upstreams.ts';

/** The checks across fields; each is a file. */
const checks: readonly ((context: CheckContext) => void)[] = [
  checkListeners,
  checkStore,
  checkRedis,
  checkEvents,
  checkAlerts,
  checkNetworks,
  checkUpstreams,
  checkPools,
  checkSettings,
  checkMethods,
  checkLimits,
  checkKeys,
  checkCosts,
  checkBlocklist,
];

export function runChecks(parsed: ParsedConfig, config: Config): Finding[] {
  const findings: Finding[] = [];
  const context = createCheckContext(parsed, config, findings);
  for (const check of checks) check(context);
  return findings;
}
