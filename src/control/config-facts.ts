import { configHash } from '../config/index.ts';
import type { PolicyKeeper } from './policy-keeper.ts';
import type { ReadinessFacts } from './readiness.ts';
import type { ReloadResult } from './reload.ts';

/** What `/readyz` tells of the config: that which holds, and what became of the last one. */
export function configFacts(policy: PolicyKeeper, last: ReloadResult | undefined): ReadinessFacts['config'] {
  return {
    generation: policy.snapshot.generation,
    hash: configHash(policy.config),
    appliedAtMs: policy.appliedAtMs,
    problem: last?.problems[0] ?? null,
    restartNeeded: last?.restartNeeded ?? [],
  };
}
