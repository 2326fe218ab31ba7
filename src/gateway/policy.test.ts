import { describe, expect, it } from 'vitest';
import { compile, createConfig, createRegistries } from '../config/index.ts';
import { createHash64, createLimitsMemory, createRuleVersions } from '../limits/index.ts';
import { Policy } from './policy.ts';

function policyOf(config: object): Policy {
  const seed = Uint32Array.of(1, 2, 3, 4);
  const limits = createLimitsMemory({ entries: 4096, quotaSlots: 64, seed });
  const hash64 = createHash64(seed);
  const registries = createRegistries({ versions: createRuleVersions(limits), hash64, quotaSlots: 1024 });
  const value = { upstreams: [{ url: 'http://127.0.0.1:1' }], ...config };
  const result = createConfig(value, { name: 'test', directory: '/' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return new Policy(compile(result.config, registries), hash64);
}

describe('what moves the chain', () => {
  it('is what sends something, not what reads filters or signs', () => {
    const policy = policyOf({});
    const moves = (name: string) => policy.method(name).moves;
    expect(['eth_sendRawTransaction', 'eth_resend', 'evm_mine', 'x_createThing'].map(moves)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(
      ['eth_call', 'eth_getFilterChanges', 'eth_newFilter', 'eth_signTypedData_v4', 'eth_subscribe'].map(
        moves,
      ),
    ).toEqual([false, false, false, false, false]);
  });
});

describe('what a method may be sent for again', () => {
  it('follows from the lists, names before patterns, the operator’s before ours', () => {
    const policy = policyOf({});
    const retry = (name: string) => policy.method(name).retry;
    expect(['eth_call', 'eth_createAccessList', 'x_getThings'].map(retry)).toEqual(['safe', 'safe', 'safe']);
    expect(['eth_sendRawTransaction', 'eth_sendTransaction', 'x_createThing'].map(retry)).toEqual([
      'transaction',
      'never',
      'never',
    ]);
    const own = policyOf({ methods: { unsafe: ['eth_create*'], critical: ['eth_call'] } });
    expect(own.method('eth_createAccessList')).toMatchObject({ retry: 'never', safe: false });
    expect([own.method('eth_call').critical, own.method('eth_chainId').critical]).toEqual([true, false]);
  });
});

describe('a policy’s memory of methods', () => {
  it('goes on remembering however many names callers make up', () => {
    const policy = policyOf({});
    for (let k = 0; k < 10_000; k++) policy.method(`made_up_${k}`);
    expect(policy.method('eth_call')).toBe(policy.method('eth_call'));
  });

  it('holds a bounded number of plans, whatever the number of keys', () => {
    const policy = policyOf({});
    const facts = Array.from({ length: 100 }, (_, k) => policy.method(`m_${k}`));
    for (let network = 0; network < 1000; network++)
      for (const one of facts) policy.plan(one, 0, true, network);
    const kept = facts.reduce((sum, one) => sum + one.plans.size, 0);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(16_384);
  });
});
