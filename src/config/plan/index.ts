import type { Config } from '../config.ts';
import { planKeys } from './keys.ts';
import { planLimits } from './limits.ts';
import { planNetworks } from './networks.ts';
import { planSettings } from './settings.ts';

export interface ConfigPlan {
  /** What changes, a sentence each; empty: the two mean the same. Names no secret. */
  changes: readonly string[];
  /** What of it holds only after a restart. */
  restartNeeded: readonly string[];
}

/** Says in words what taking `to` in place of `from` means: what changes, what becomes of buckets, what must wait for a restart. */
export function planChange(from: Config, to: Config): ConfigPlan {
  const changes: string[] = [];
  const restartNeeded: string[] = [];
  const say = (sentence: string): void => void changes.push(sentence);
  planSettings(from, to, say, (sentence) => void restartNeeded.push(sentence));
  planNetworks(from, to, say);
  planLimits(from, to, say);
  planKeys(from, to, say);
  return { changes, restartNeeded };
}
