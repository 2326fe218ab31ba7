import { createHash64, createLimitsMemory, createRuleVersions } from '../../limits/index.ts';
import { createRegistries, type Registries } from '../registries.ts';

/** Registries over a small memory of their own, with a fixed seed. */
export function testRegistries(quotaSlots = 1024): Registries {
  const seed = new Uint32Array([1, 2, 3, 4]);
  const memory = createLimitsMemory({ entries: 1024, seed });
  return createRegistries({ versions: createRuleVersions(memory), hash64: createHash64(seed), quotaSlots });
}
