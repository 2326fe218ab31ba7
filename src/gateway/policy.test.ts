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

describe('a set of rules that comes later', () => {
  it('is in place at once, also for who was planned for without it, and moves nothing that was there', () => {
    const policy = policyOf({ limits: { default: { requests: 5, period: '1s' } } });
    const { rules, ruleSets } = policy.snapshot;
    const facts = policy.method('eth_call');
    const before = policy.plan(facts, 0, true, 0);
    expect(policy.plan(facts, 2, true, 0).rule?.requests).toBe(5);
    expect(policy.socketBounds(2)).toEqual(policy.socketBounds(0));
    const rule = { ...rules[0]!, name: 'key:default', requests: 9, rank: 'key-all' as const };
    const quota = { unit: 'requests', limit: 3, period: 'day', warnAt: [] } as const;
    const bounds = { connections: 7, subscriptions: 8, messagesRule: -1 };
    const set = { methods: [], groups: [], all: [rules.length] };
    const extension = {
      generation: policy.snapshot.generation + 1,
      firstRule: rules.length,
      rules: [rule],
      sets: [
        {
          number: 2,
          rules: set,
          quota: { ...quota, warnAt: [] },
          userQuota: { ...quota, limit: 9, warnAt: [] },
          bounds,
        },
      ],
    };
    policy.extend(extension);
    policy.extend(extension);
    expect(policy.plan(facts, 2, true, 0).rule).toBe(rule);
    expect(policy.plan(facts, 0, true, 0)).toBe(before);
    expect([policy.quota(2), policy.quota(1), policy.socketBounds(2)]).toEqual([quota, null, bounds]);
    expect([policy.userQuota(2), policy.userQuota(1)]).toEqual([{ ...quota, limit: 9 }, null]);
    expect([ruleSets.length, ruleSets[1]]).toEqual([3, null]);
    expect(policy.snapshot.generation).toBe(extension.generation);
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
    for (let set = 0; set < 1000; set++) policy.snapshot.ruleSets[set] = { methods: [], groups: [], all: [] };
    for (let set = 0; set < 1000; set++) for (const one of facts) policy.plan(one, set, true, 0);
    const kept = facts.reduce((sum, one) => sum + one.plans.size, 0);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(16_384);
  });
});
