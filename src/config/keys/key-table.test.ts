import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configKeyId,
  createKeyIndexReader,
  createKeyResolver,
  digestOfKey,
  keyRefusal,
  uuidText,
} from '../../identity/index.ts';
import { compile, type Config, formatProblem, parseConfig, type PolicySnapshot } from '../index.ts';
import type { QuotaPolicy } from '../snapshot.ts';
import { keySetAt } from '../testing/key-set-at.ts';
import { testRegistries } from '../testing/registries.ts';
import { createKeyTable } from './key-table.ts';
import type { StoredKey } from './stored-key.ts';
import { createStoredTerms } from './stored-terms.ts';

const termsOf = createStoredTerms();
const keyText = (name: string): string => `key-of-${name}`.padEnd(22, 'x');
const idOf = (name: string): string => uuidText(configKeyId(name));
const hashOf = (name: string): string => hash('sha256', keyText(name), 'hex');

function configOf(...keys: { name: string; requests?: number }[]): Config {
  const written = keys.map(({ name, requests }) => ({
    name,
    key: keyText(name),
    ...(requests !== undefined && { limits: { default: { requests, period: '1s' } } }),
  }));
  const text = JSON.stringify({ upstreams: [{ url: 'http://127.0.0.1:1' }], keys: written });
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

function stored(
  id: string,
  more: Partial<StoredKey> & { requests?: number; quota?: QuotaPolicy } = {},
): StoredKey {
  const { requests, quota = null, ...rest } = more;
  const limits = requests === undefined ? [] : [{ method: '*', requests, periodMs: 1000, burstSize: 0 }];
  return {
    ...{ id: idOf(id), name: `name of ${id}`, sha256: hashOf(id), prefix: id.padEnd(8, '-').slice(0, 8) },
    ...{ userId: null, previous: null, enabled: true, expiresAtMs: 0, terms: termsOf(limits, quota) },
    ...rest,
  };
}

/** A table with its snapshot, as main has them; `at` is what a worker finds of a key, which has a copy of its own. */
function start(config: Config, quotaSlots?: number) {
  const registries = testRegistries(quotaSlots);
  const quotas: [slot: number, name: string, quota: QuotaPolicy | null][] = [];
  const table = createKeyTable(registries, {
    onQuota: (...told) => void (told[1].startsWith('user:') && quotas.push(told)),
  });
  let snapshot!: PolicySnapshot;
  let ofWorker!: PolicySnapshot;
  const adopt = (next: Config): void => {
    snapshot = compile(next, registries, table);
    ofWorker = structuredClone(snapshot);
  };
  adopt(config);
  return {
    table,
    registries,
    adopt,
    /** As a worker that has not heard of the last snapshots. */
    late: (before: PolicySnapshot): void => void (ofWorker = before),
    get snapshot() {
      return snapshot;
    },
    quotas,
    userSlotOf(name: string) {
      const slot = createKeyResolver(ofWorker.keyIndex).resolve(keyText(name), 0);
      return slot < 0 ? slot : createKeyIndexReader(ofWorker.keyIndex).userSlot(slot);
    },
    at(name: string, nowMs = 0) {
      const slot = createKeyResolver(ofWorker.keyIndex).resolve(keyText(name), nowMs);
      if (slot < 0) return slot;
      const reader = createKeyIndexReader(ofWorker.keyIndex);
      const set = keySetAt(ofWorker, reader.ruleSet(slot));
      return { requests: set?.all[0]?.requests, number: reader.keyNumber(slot) };
    },
  };
}

describe('stored keys', () => {
  it('stand beside those of the config, and change without a new snapshot where their limits are known', () => {
    const config = configOf({ name: 'acme', requests: 5 });
    const main = start(config);
    main.table.want(idOf('a'), stored('a'));
    main.table.want(idOf('b'), stored('b', { requests: 5 }));
    expect(main.table.settle(0)).toEqual({ settled: 2, refused: [], hidden: [] });
    expect(main.at('b')).toMatchObject({ requests: 5 });
    expect(main.at('a')).toMatchObject({ requests: undefined });
    main.table.want(idOf('a'), null);
    main.table.settle(0);
    expect(main.at('a')).toBe(keyRefusal.unknown);
    expect(main.at('acme')).toMatchObject({ requests: 5 });
  });

  it('with limits that no key had have these at once, and workers take over no snapshot for it', () => {
    const main = start(configOf());
    const { keyIndex, keySets } = main.snapshot;
    for (const requests of [undefined, 7, 8, undefined]) {
      main.table.want(idOf('a'), stored('a', requests === undefined ? {} : { requests }));
      expect(main.table.settle(0).settled).toBe(1);
      expect(main.at('a')).toMatchObject({ requests });
    }
    expect(main.table.due).toBe(false);
    main.adopt(configOf({ name: 'acme', requests: 7 }));
    expect(main.at('acme')).toMatchObject({ requests: 7 });
    expect(main.snapshot.keySets).toBe(keySets);
    expect(main.snapshot.keyIndex).not.toBe(keyIndex);
  });

  it('that are disabled or removed are so at once', () => {
    const main = start(configOf());
    main.table.want(idOf('a'), stored('a'));
    main.table.settle(0);
    main.table.want(idOf('a'), stored('a', { requests: 7, enabled: false }));
    expect(main.table.settle(0).settled).toBe(1);
    expect(main.at('a')).toBe(keyRefusal.disabled);
  });

  it('have both hashes during the grace of a rotation, with one number', () => {
    const main = start(configOf());
    const rotated = { sha256: hashOf('new'), previous: { sha256: hashOf('a'), untilMs: 1000 } };
    main.table.want(idOf('a'), stored('a', rotated));
    main.table.settle(0);
    expect(main.at('a', 999)).toEqual(main.at('new', 999));
    expect(main.at('a', 1000)).toBe(keyRefusal.expired);
    expect(main.at('new', 1000)).toMatchObject({ requests: undefined });
    main.table.want(idOf('a'), stored('a', { sha256: hashOf('new') }));
    main.table.settle(0);
    expect(main.at('a', 999)).toBe(keyRefusal.unknown);
  });

  it('give way to a key of the config with their hash, and come back after it', () => {
    const main = start(configOf({ name: 'a', requests: 3 }));
    main.table.want(idOf('a'), stored('a', { requests: 9 }));
    main.adopt(configOf({ name: 'a', requests: 3 }));
    expect(main.table.settle(0).hidden).toMatchObject([{ id: idOf('a') }]);
    expect(main.at('a')).toMatchObject({ requests: 3 });
    main.adopt(configOf());
    expect(main.at('a')).toMatchObject({ requests: 9 });
    main.adopt(configOf({ name: 'a', requests: 4 }));
    expect(main.at('a')).toMatchObject({ requests: 4 });
    main.table.want(idOf('a'), null);
    main.table.settle(0);
    expect(main.at('a')).toMatchObject({ requests: 4 });
  });

  it('with a quota beyond the slots, or with limits no config could have, are refused and named', () => {
    const main = start(configOf(), 1);
    const quota = { unit: 'requests', limit: 5, period: 'day', warnAt: [] } as const satisfies QuotaPolicy;
    const config = configOf();
    main.table.want(idOf('a'), stored('a', { quota: { ...quota, warnAt: [] } }));
    main.table.want(idOf('b'), stored('b', { quota: { ...quota, warnAt: [] } }));
    main.table.want(
      'c',
      stored('c', { terms: termsOf([{ method: 'x"\r\ny', requests: 1, periodMs: 1, burstSize: 0 }], null) }),
    );
    main.adopt(config);
    const { refused } = main.table.settle(0);
    expect(refused.map(({ key }) => key.id)).toEqual([idOf('b'), idOf('c')]);
    expect(refused[0]!.reason).toContain('no slot');
    expect(main.at('a')).toMatchObject({ number: 0 });
    expect([main.at('b'), main.at('c')]).toEqual([keyRefusal.disabled, keyRefusal.disabled]);
  });

  it('of a user with a quota count in one slot, whichever comes and goes, by the unit and period of the quota', () => {
    const main = start(configOf(), 3);
    const user = '99999999-2222-4333-8444-555555555555';
    const daily = { unit: 'requests', limit: 5, period: 'day', warnAt: [] } as const satisfies QuotaPolicy;
    const ofUser = (quota: QuotaPolicy | null) => ({ userId: user, terms: termsOf([], null, quota) });
    const change = (...keys: [string, StoredKey | null][]) => {
      for (const [id, key] of keys) main.table.want(idOf(id), key);
      main.table.settle(0);
      if (main.table.due) main.adopt(configOf());
      return keys.map(([id]) => main.userSlotOf(id));
    };
    const quota = { ...daily, warnAt: [] };
    expect(change(['a', stored('a', ofUser(quota))], ['b', stored('b', ofUser(quota))])).toEqual([0, 0]);
    expect(main.quotas.at(-1)).toEqual([0, `user:${user}/requests/day`, quota]);
    const more = { ...quota, limit: 9 };
    expect(change(['a', stored('a', ofUser(more))]), 'the same count, another limit').toEqual([0]);
    const cost: QuotaPolicy = { ...quota, unit: 'cost' };
    expect(change(['a', stored('a', ofUser(cost))], ['b', stored('b', ofUser(cost))])).toEqual([1, 1]);
    expect(main.quotas.at(-1), 'nobody counts in the first any more').toEqual([
      0,
      `user:${user}/requests/day`,
      null,
    ]);
    expect(change(['a', null], ['c', stored('c')])).toEqual([keyRefusal.unknown, -1]);
    expect(change(['b', null])).toEqual([keyRefusal.unknown]);
    expect(change(['a', stored('a', ofUser(cost))]), 'what was counted is still there').toEqual([1]);
    const others = { ...ofUser(quota), userId: '88888888-2222-4333-8444-555555555555' };
    expect(change(['d', stored('d', others)])).toEqual([2]);
    change(['e', stored('e', { ...others, userId: '77777777-2222-4333-8444-555555555555' })]);
    expect(main.userSlotOf('e'), 'the slot that nobody counts in').toBe(0);
    main.table.want(idOf('f'), stored('f', { ...others, userId: '66666666-2222-4333-8444-555555555555' }));
    const { refused } = main.table.settle(0);
    expect(refused.map(({ reason }) => reason)).toEqual(['no slot is left for its quota']);
  });

  it('outgrow an index: the next snapshot has a larger one', () => {
    const config = configOf({ name: 'acme', requests: 5 });
    const main = start(config);
    const { keyIndex } = main.snapshot;
    for (let k = 0; k < 3000; k += 1) main.table.want(idOf(`k${k}`), stored(`k${k}`));
    main.table.settle(0);
    expect(main.table.waiting).toBeGreaterThan(0);
    main.adopt(config);
    main.table.settle(0);
    expect(main.table.waiting).toBe(0);
    expect(main.snapshot.keyIndex).not.toBe(keyIndex);
    expect(main.at('k2999')).toMatchObject({ requests: undefined });
    expect(main.at('k0')).toMatchObject({ requests: undefined });
  });

  it('property: after any changes, workers find what was said last', () => {
    const names = ['a', 'b', 'c', 'd'];
    const requests = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('stored' as const),
        name: fc.constantFrom(...names),
        key: fc.option(fc.record({ requests, enabled: fc.boolean() }), { nil: null }),
      }),
      fc.record({
        kind: fc.constant('config' as const),
        keys: fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), requests }), {
          selector: ({ name }) => name,
        }),
      }),
      fc.record({ kind: fc.constant('settle' as const) }),
      fc.record({ kind: fc.constant('next' as const), max: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const main = start(configOf());
        const wanted = new Map<string, { requests: number | undefined; enabled: boolean } | null>();
        let config = configOf();
        let configured = new Map<string, number | undefined>();
        for (const one of steps) {
          if (one.kind === 'stored') {
            wanted.set(one.name, one.key);
            main.table.want(idOf(one.name), one.key && stored(one.name, one.key));
          } else if (one.kind === 'config') {
            config = configOf(...one.keys);
            configured = new Map(one.keys.map(({ name, requests: own }) => [name, own]));
            main.adopt(config);
          } else if (one.kind === 'next') main.table.settle(0, main.table.next(one.max));
          else main.table.settle(0);
        }
        main.table.settle(0);
        expect(main.table.waiting).toBe(0);
        for (const name of names) {
          const key = wanted.get(name);
          if (configured.has(name)) expect(main.at(name)).toMatchObject({ requests: configured.get(name) });
          else if (!key) expect(main.at(name)).toBe(keyRefusal.unknown);
          else if (!key.enabled) expect(main.at(name)).toBe(keyRefusal.disabled);
          else expect(main.at(name)).toMatchObject({ requests: key.requests });
        }
      }),
      { numRuns: 200 },
    );
  });

  it('give their sets of rules up: once these are many, the next snapshot is without them, and the old one as it was', () => {
    const config = configOf({ name: 'acme', requests: 5 });
    const main = start(config);
    let before = main.snapshot;
    let k = 0;
    // An index without room is another reason for a snapshot, and keeps the sets.
    for (; before.keySets === main.snapshot.keySets; k += 1) {
      main.table.settle(0);
      main.table.want(idOf('a'), stored('a', { requests: k + 10 }));
      before = main.snapshot;
      if (main.table.due) main.adopt(config);
    }
    expect(k).toBeGreaterThan(4000);
    expect(main.table.due).toBe(false);
    const held = { requests: k + 8 };
    expect(main.at('a')).toMatchObject(held);
    main.table.settle(0);
    main.table.want(idOf('b'), stored('b', { requests: 3 }));
    main.table.settle(0);
    expect([main.at('acme'), main.at('a'), main.at('b')]).toMatchObject([
      ...[{ requests: 5 }, { requests: k + 9 }, { requests: 3 }],
    ]);
    expect(main.snapshot.keySets.byteLength).toBeLessThan(before.keySets.byteLength);
    main.late(before);
    expect([main.at('acme'), main.at('a')]).toMatchObject([{ requests: 5 }, held]);
    expect(main.at('b')).toBe(keyRefusal.unknown);
  });

  it('and rules of theirs are named for as long as a key has them, of the config or not', () => {
    const main = start(configOf({ name: 'acme', requests: 5 }));
    const versionOf = (requests: number) =>
      main.registries.versions.versionOf('key:default', { requests, periodMs: 1000, burst: 0 });
    const named = () => [5, 6, 7].map((requests) => main.table.namesVersion(versionOf(requests)));
    main.table.want(idOf('a'), stored('a', { requests: 5 }));
    main.table.want(idOf('b'), stored('b', { requests: 6 }));
    main.table.settle(0);
    expect(named()).toEqual([true, true, false]);
    main.table.want(idOf('b'), stored('b', { requests: 7 }));
    // Until it is settled workers go on with the old ones.
    expect(named()).toEqual([true, true, true]);
    main.table.settle(0);
    expect(named()).toEqual([true, false, true]);
    main.adopt(configOf());
    expect(named()).toEqual([true, false, true]);
    main.table.want(idOf('a'), null);
    main.table.settle(0);
    expect(named()).toEqual([false, false, true]);
  });

  it('are found by who holds their slot when they change', () => {
    const main = start(configOf());
    main.table.want(idOf('a'), stored('a'));
    main.table.settle(0);
    const resolver = createKeyResolver(main.snapshot.keyIndex);
    const slot = resolver.resolve(keyText('a'), 0);
    expect(createKeyIndexReader(main.snapshot.keyIndex).find(digestOfKey(keyText('a')))).toBe(slot);
    main.table.want(idOf('a'), stored('a', { enabled: false }));
    main.table.settle(0);
    expect(resolver.recheck(slot, '', 0)).toBe(keyRefusal.disabled);
    main.table.want(idOf('a'), null);
    main.table.settle(0);
    expect(resolver.recheck(slot, '', 0)).toBe(keyRefusal.unknown);
  });
});
