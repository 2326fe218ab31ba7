import { hash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyPrefix } from '../identity/index.ts';
import { startAccounts, type TestAccounts } from './testing/accounts.ts';

let accounts: TestAccounts;
beforeEach(async () => {
  accounts = await startAccounts();
});
afterEach(() => accounts.end());

const email = 'ada@example.com';
const refused = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message) as string,
});

describe('users', () => {
  test('are made, found in any case, changed and listed', async () => {
    const user = await accounts.run('users.create', { email });
    expect(user).toMatchObject({ email, name: 'ada', tier: 'free', deletedAt: null });
    expect(user.createdAt).toBe('2026-11-28T12:00:00.000Z');
    accounts.at += 1000;
    const changed = await accounts.run('users.update', { user: 'ADA@example.com', name: 'Ada Lovelace' });
    expect(changed).toMatchObject({
      id: user.id,
      name: 'Ada Lovelace',
      updatedAt: '2026-11-28T12:00:01.000Z',
    });
    await accounts.run('users.create', { email: 'bob@example.com' });
    expect(await accounts.run('users.list', { limit: 1 })).toMatchObject({ users: [{ email }], next: email });
    const rest = await accounts.run('users.list', { after: email });
    expect(rest).toMatchObject({ users: [{ email: 'bob@example.com' }], next: null });
  });

  test('say what was wrong and what was meant', async () => {
    await accounts.run('users.create', { email });
    await expect(accounts.run('users.create', { email: 'ADA@EXAMPLE.COM' })).rejects.toMatchObject(
      refused('conflict', /^There is a user ada@example.com already \([0-9a-f-]{36}\)$/),
    );
    await expect(accounts.run('users.show', { user: 'adda@example.com' })).rejects.toMatchObject(
      refused('not_found', /^There is no user adda@example.com \(did you mean ada@example.com\?\)$/),
    );
    await expect(accounts.run('users.create', { email: 'ada' })).rejects.toMatchObject(
      refused('invalid', /^email: found "ada", expected an e-mail address such as ada@example.com$/),
    );
    // A list of users must not steer the terminal it is read on, nor hide what is beside it.
    for (const bad of ['\u001bc@c.de', 'b\0@c.de', 'b\u202e@c.de'])
      await expect(accounts.run('users.create', { email: bad })).rejects.toMatchObject(
        refused('invalid', /^email: found/),
      );
    await expect(
      accounts.run('users.create', { email: 'b@c.de', teir: 'pro' } as never),
    ).rejects.toMatchObject(refused('invalid', /^teir: there is no such field \(did you mean tier\?\)$/));
    await expect(accounts.run('users.create', { email: 'b@c.de', tier: 'pro' })).rejects.toMatchObject(
      refused('not_found', /^There is no plan pro \(there are none yet\); polymorph plans put pro makes it$/),
    );
    await expect(accounts.run('users.update', { user: email })).rejects.toMatchObject(
      refused('invalid', /^Nothing to change/),
    );
    await expect(accounts.run('users.creat' as never, {} as never)).rejects.toMatchObject(
      refused('unknown_operation', /did you mean users.create\?/),
    );
    await expect(accounts.run('__proto__' as never, {} as never)).rejects.toMatchObject({
      code: 'unknown_operation',
    });
  });

  test('take their keys with them, and leave their e-mail free', async () => {
    const user = await accounts.run('users.create', { email });
    const { key: _, ...one } = await accounts.run('keys.create', { user: email, name: 'one' });
    await accounts.run('keys.create', { user: email, name: 'two' });
    accounts.changes.length = 0;
    expect(await accounts.run('users.delete', { user: email })).toMatchObject({ keysDeleted: 2 });
    expect(accounts.changes).toHaveLength(2);
    expect(await accounts.store.keys.get(one.id)).toMatchObject({ enabled: false, deletedAt: accounts.at });
    await expect(accounts.run('users.delete', { user: email })).rejects.toMatchObject({ code: 'not_found' });
    await expect(accounts.run('keys.create', { user: user.id })).rejects.toMatchObject(
      refused('refused', /was deleted/),
    );
    expect(await accounts.run('users.show', { user: user.id })).toMatchObject({
      deletedAt: '2026-11-28T12:00:00.000Z',
      keys: [],
    });
    expect((await accounts.run('users.create', { email })).id).not.toBe(user.id);
  });
});

describe('keys', () => {
  beforeEach(async () => {
    await accounts.run('users.create', { email });
  });

  test('are shown whole once, and kept as a hash', async () => {
    const made = await accounts.run('keys.create', { user: email, name: 'acme', expires: '90d' });
    expect(made.key).toMatch(/^pp_live_[0-9A-Za-z]{28}$/);
    expect(made).toMatchObject({
      name: 'acme',
      prefix: keyPrefix(made.key),
      state: 'active',
      user: { email },
    });
    expect(made.expiresAt).toBe('2027-02-26T12:00:00.000Z');
    expect(accounts.changes).toEqual([{ keyId: made.id }]);
    expect((await accounts.store.keys.get(made.id))?.sha256).toBe(hash('sha256', made.key));
    for (const ref of ['acme', made.prefix, made.id, made.key]) {
      const shown = await accounts.run('keys.show', { key: ref });
      expect(shown.id).toBe(made.id);
      expect(JSON.stringify(shown)).not.toContain(made.key);
      expect(JSON.stringify(shown)).not.toContain(hash('sha256', made.key));
    }
    const unnamed = await accounts.run('keys.create', { user: email });
    expect(unnamed.name).toBe(`key-${unnamed.prefix}`);
  });

  test('of one user have different names; a name that fits two is told apart by prefix', async () => {
    await accounts.run('keys.create', { user: email, name: 'acme' });
    await expect(accounts.run('keys.create', { user: email, name: 'acme' })).rejects.toMatchObject(
      refused('conflict', /^ada@example.com has a key acme already/),
    );
    await accounts.run('users.create', { email: 'bob@example.com' });
    const { prefix } = await accounts.run('keys.create', { user: 'bob@example.com', name: 'acme' });
    await expect(accounts.run('keys.show', { key: 'acme' })).rejects.toMatchObject(
      refused('ambiguous', new RegExp(`^2 keys are called acme: .*${prefix} \\(acme\\)`)),
    );
    expect(await accounts.run('keys.show', { key: prefix })).toMatchObject({ name: 'acme' });
    for (const secret of ['own-secret-of-the-operator', `pp_live_${'x'.repeat(28)}`]) {
      const refusal = await accounts.run('keys.show', { key: secret }).catch((error: Error) => error.message);
      expect(refusal).not.toContain(secret.slice(0, 12));
    }
    await expect(accounts.run('keys.show', { key: 'acne' })).rejects.toMatchObject(
      refused('not_found', /did you mean acme\?/),
    );
  });

  test.each([
    ['none', null],
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ] as const)('rotated with grace %s', async (grace, graceMs) => {
    const before = await accounts.run('keys.create', { user: email, name: 'acme' });
    const after = await accounts.run('keys.rotate', { key: 'acme', grace });
    expect(after).toMatchObject({ id: before.id, name: 'acme' });
    expect(after.key).not.toBe(before.key);
    const row = await accounts.store.keys.get(before.id);
    expect(row).toMatchObject({
      sha256: hash('sha256', after.key),
      previousSha256: graceMs === null ? null : hash('sha256', before.key),
      previousUntil: graceMs === null ? null : accounts.at + graceMs,
    });
    const until = graceMs === null ? null : new Date(accounts.at + graceMs).toISOString();
    expect(after.previousUntil).toBe(until);
    accounts.at += 604_800_000;
    expect((await accounts.run('keys.show', { key: 'acme' })).previousUntil).toBe(null);
  });

  test('are disabled, enabled and deleted, each told of', async () => {
    const { id } = await accounts.run('keys.create', { user: email, name: 'acme', expires: '2026-11-29' });
    expect(await accounts.run('keys.disable', { key: 'acme' })).toMatchObject({ state: 'disabled' });
    expect(await accounts.run('keys.enable', { key: 'acme' })).toMatchObject({ state: 'active' });
    accounts.at = Date.UTC(2026, 10, 29);
    expect(await accounts.run('keys.show', { key: 'acme' })).toMatchObject({ state: 'expired' });
    expect(await accounts.run('keys.enable', { key: 'acme', expires: '30d' })).toMatchObject({
      ...{ state: 'active', expiresAt: '2026-12-29T00:00:00.000Z' },
    });
    expect(await accounts.run('keys.enable', { key: 'acme', expires: 'never' })).toMatchObject({
      expiresAt: null,
    });
    expect(await accounts.run('keys.delete', { key: 'acme' })).toMatchObject({ state: 'deleted' });
    expect(accounts.changes).toEqual(Array.from({ length: 6 }, () => ({ keyId: id })));
    await expect(accounts.run('keys.enable', { key: 'acme' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(accounts.run('keys.create', { user: email, expires: '2026-11-28' })).rejects.toMatchObject(
      refused('invalid', /which is past/),
    );
  });

  test('of the config are shown and listed, and changed there', async () => {
    const id = '11111111-1111-4111-8111-111111111111';
    await accounts.store.mirrorConfigKeys(
      [{ id, sha256: 'a'.repeat(64), prefix: 'abcdefgh', name: 'static', enabled: true, expiresAt: null }],
      'one',
    );
    expect(await accounts.run('keys.show', { key: 'static' })).toMatchObject({
      source: 'config',
      user: null,
    });
    expect((await accounts.run('keys.list', { source: 'store' })).keys).toEqual([]);
    for (const name of ['keys.rotate', 'keys.disable', 'keys.enable', 'keys.delete'] as const)
      await expect(accounts.run(name, { key: 'static' })).rejects.toMatchObject(
        refused('refused', /^Key static stands in the config file: change it there, under keys$/),
      );
  });

  test('have limits, a plan behind them', async () => {
    const limit = { method: 'eth_call', requests: 100, periodMs: 1000, burstSize: 50 };
    await accounts.run('plans.put', { name: 'pro', set: [{ ...limit, method: '*' }] });
    await accounts.run('users.update', { user: email, tier: 'pro' });
    await accounts.run('keys.create', { user: email, name: 'acme', overrides: [limit] });
    const quota = { unit: 'cost', limit: 1000, period: 'month', warnAt: [95, 80, 80] } as const;
    const changed = await accounts.run('keys.limits', {
      ...{ key: 'acme', quota: { ...quota, warnAt: [...quota.warnAt] } },
      set: [
        { ...limit, requests: 5 },
        { method: 'group:read', requests: 1, periodMs: 1000 },
      ],
    });
    expect(changed).toMatchObject({
      overrides: [
        { ...limit, requests: 5 },
        { method: 'group:read', requests: 1, periodMs: 1000, burstSize: 0 },
      ],
      quota: { ...quota, warnAt: [80, 95] },
      plan: { name: 'pro', limits: [{ ...limit, method: '*' }], quota: null },
    });
    const less = await accounts.run('keys.limits', { key: 'acme', unset: ['eth_call'], quota: null });
    expect(less.overrides.map(({ method }) => method)).toEqual(['group:read']);
    expect(await accounts.run('keys.limits', { key: 'acme' })).toEqual(less);
    await expect(
      accounts.run('keys.limits', { key: 'acme', set: [{ ...limit, method: 'group:raed' }] }),
    ).rejects.toMatchObject(refused('invalid', /no group raed of methods \(did you mean read\?\)/));
    await expect(accounts.run('keys.limits', { key: 'acme', unset: ['eth_call'] })).rejects.toMatchObject(
      refused('invalid', /^There is no limit for eth_call to remove \(there are limits for group:read\)$/),
    );
  });
});

describe('plans', () => {
  const pro = {
    currency: 'USD',
    monthlyFee: 4900,
    includedUnits: '10000000',
    price: 50,
    pricePer: 1_000_000,
  };

  test('are made, and changed by what is given', async () => {
    expect(await accounts.run('plans.put', { name: 'pro', ...pro })).toMatchObject({
      ...{ created: true, currency: 'USD', monthlyFee: '4900', includedUnits: '10000000', price: '50' },
    });
    expect(await accounts.run('plans.put', { name: 'pro', price: 60 })).toMatchObject({
      ...{ created: false, monthlyFee: '4900', price: '60' },
    });
    expect(accounts.changes).toEqual([]);
    await accounts.run('plans.put', { name: 'pro', set: [{ method: '*', requests: 5, periodMs: 1000 }] });
    await accounts.run('plans.put', { name: 'pro', unset: ['*'] });
    expect(accounts.changes).toEqual(['all', 'all']);
    await accounts.run('users.create', { email, tier: 'pro' });
    expect((await accounts.run('plans.list', {})).plans).toMatchObject([{ name: 'pro', users: 1 }]);
    await expect(accounts.run('plans.delete', { name: 'pro' })).rejects.toMatchObject(
      refused('refused', /^1 user is on plan pro: move them first/),
    );
    await accounts.run('users.update', { user: email, tier: 'free' });
    await accounts.run('plans.delete', { name: 'pro' });
    await expect(accounts.run('plans.show', { name: 'pro' })).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each([
    [{ name: 'pro', price: 1 }, /needs a currency/],
    [{ name: 'Pro' }, /^name: found "Pro", expected a name: small letters/],
    [{ name: 'pro', currency: 'BTC' }, /^currency: found "BTC", expected a currency of ISO 4217/],
    [{ name: 'pro', currency: 'USD', price: 1.5 }, /^price: found 1.5, expected a price in smallest units/],
    [{ name: 'pro', currency: 'USD', pricePer: 0 }, /^pricePer: found 0, /],
    [{ name: 'pro', currency: 'USD', monthlyFee: -1 }, /^monthlyFee: found -1, /],
  ])('%j is refused', async (input, message) => {
    await expect(accounts.run('plans.put', input)).rejects.toMatchObject(refused('invalid', message));
  });

  test('do not take an amount into another currency', async () => {
    await accounts.run('plans.put', { name: 'pro', ...pro });
    await expect(
      accounts.run('plans.put', { name: 'pro', currency: 'JPY', price: 60 }),
    ).rejects.toMatchObject(refused('invalid', /^Plan pro is in USD: with JPY give its monthly fee too$/));
  });
});
