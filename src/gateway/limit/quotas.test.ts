import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Vice } from '../../../test/fakes/upstream.ts';
import { callText, notificationText } from '../testing/client.ts';
import {
  bucketOf,
  closeGateways,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from '../testing/gateway.ts';
import { transports } from '../testing/transport.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeGateways();
});

const acme = 'acme-key-of-twenty-two-characters';
const asAcme = { headers: { 'x-api-key': acme } };

const configOf = (quota: object, over: object = {}): object => ({
  limits: { default: 'none' },
  keys: [{ name: 'acme', key: acme, quota }],
  ...over,
});

const ask = async (gateway: TestGateway, method = 'm') => (await gateway.call(method, asAcme)).status;

/** Used of a quota of requests: a dry run counts the call it imagines, and takes nothing. */
function used(gateway: TestGateway): number {
  const hash = new Uint8Array(Buffer.from(keyDigest, 'hex'));
  return gateway.foresee({ keySha256: hash, method: 'm' })!.quota!.used - 1;
}
const keyDigest = await crypto.subtle
  .digest('SHA-256', new TextEncoder().encode(acme))
  .then((digest) => Buffer.from(digest).toString('hex'));

describe.each(transports)('by %s', (transport) => {
  const start = (config: object = {}, options: TestGatewayOptions = {}): Promise<TestGateway> =>
    startTestGateway(config, { ...options, transport });

  describe('a quota', () => {
    it('of requests counts calls, whatever they cost', async () => {
      const gateway = await start(
        configOf({ requests: 2, period: 'month' }, { methods: { costs: { heavy: 10 } } }),
      );
      expect([await ask(gateway, 'heavy'), await ask(gateway), await ask(gateway)]).toEqual([200, 200, 402]);
    });

    it('of cost counts cost units; a call that would pass the limit is refused, a smaller one is not', async () => {
      const gateway = await start(
        configOf({ cost: 12, period: 'day' }, { methods: { costs: { heavy: 10, free: 0 } } }),
      );
      expect(await ask(gateway, 'heavy')).toBe(200);
      const refused = await gateway.call('heavy', asAcme);
      expect(refused.json.error).toMatchObject({ code: 402, data: { quota: 12, used: 10 } });
      expect([
        await ask(gateway),
        await ask(gateway),
        await ask(gateway),
        await ask(gateway, 'free'),
      ]).toEqual([200, 200, 402, 200]);
    });

    it('is the key’s alone: not another key’s, not of callers without', async () => {
      const other = 'other-key-of-twenty-two-characters';
      const quota = { requests: 1, period: 'day' };
      const gateway = await start({
        limits: { default: 'none' },
        keys: [
          { name: 'acme', key: acme, quota },
          { name: 'other', key: other, quota },
        ],
      });
      expect([await ask(gateway), await ask(gateway)]).toEqual([200, 402]);
      expect((await gateway.call('m', { headers: { 'x-api-key': other } })).status).toBe(200);
      expect((await gateway.call()).status).toBe(200);
    });

    it('begins anew with the day or month, UTC, and says when', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-12-31T23:59:59.500Z') });
      const gateway = await start(configOf({ requests: 1, period: 'month' }));
      expect(await ask(gateway)).toBe(200);
      const refused = await gateway.call('m', asAcme);
      expect(refused.json.error.data).toMatchObject({
        quota: 1,
        used: 1,
        resetsAt: '2031-01-01T00:00:00.000Z',
      });
      vi.setSystemTime(Date.parse('2031-01-01T00:00:00.000Z'));
      expect([await ask(gateway), await ask(gateway)]).toEqual([200, 402]);
      // The wall clock set back refills nothing.
      vi.setSystemTime(Date.parse('2030-12-31T23:59:00Z'));
      expect(await ask(gateway)).toBe(402);
    });

    it('counts answers and the node’s own errors, and notifications', async () => {
      const vice: Vice = {
        request(x) {
          const id = /"id":(\d+)/.exec(x.body)?.[1];
          x.send(
            x.http(
              id === undefined ? '' : `{"jsonrpc":"2.0","id":${id},"error":{"code":3,"message":"reverted"}}`,
            ),
          );
        },
      };
      const gateway = await start(configOf({ requests: 3, period: 'day' }), { vice });
      expect(await ask(gateway)).toBe(200);
      expect((await gateway.send({ ...asAcme, body: notificationText() })).status).toBe(204);
      expect(used(gateway)).toBe(2);
    });

    it('does not count what we refuse', async () => {
      const gateway = await start(
        configOf(
          { requests: 5, period: 'day' },
          {
            methods: { blocked: ['admin_*'] },
            limits: { default: 'none', methods: { limited: bucketOf(1) } },
          },
        ),
      );
      await ask(gateway, 'limited');
      for (let k = 0; k < 3; k++) expect(await ask(gateway, 'limited')).toBe(429);
      await ask(gateway, 'admin_x');
      await gateway.send({ ...asAcme, body: '{"jsonrpc":"2.0","id":1}' });
      await gateway.call('m', { headers: { ...asAcme.headers, authorization: 'Bearer other' } });
      expect(used(gateway)).toBe(1);
    });

    it('gives back what failed: no answer, nothing to pay', async () => {
      const config = { ...configOf({ requests: 2, period: 'day' }), breaker: { failures: 1000 } };
      const gateway = await start(config, {
        vice: { request: (x) => x.send(x.http('rubbish')) },
      });
      for (let k = 0; k < 4; k++) expect(await ask(gateway)).toBe(502);
      expect(used(gateway)).toBe(0);
      gateway.node.behave({});
      expect([await ask(gateway), await ask(gateway), await ask(gateway)]).toEqual([200, 200, 402]);
    });

    it('holds a call under way, so that many at once do not pass it', async () => {
      const gateway = await start(configOf({ requests: 5, period: 'day' }), {
        vice: { request: (x) => void setTimeout(() => x.send(x.http()), 20) },
      });
      const answers = await Promise.all(Array.from({ length: 30 }, () => gateway.call('m', asAcme)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
      expect(answers.filter(({ status }) => status === 402)).toHaveLength(25);
    });

    it('and limit refuse together: a call refused by either takes from neither', async () => {
      const gateway = await start(
        configOf(
          { requests: 2, period: 'day' },
          { limits: { default: bucketOf(5), methods: { limited: bucketOf(1) } } },
        ),
      );
      const left = async () => {
        const answer = await gateway.call('m', asAcme);
        const tokens = Math.floor(gateway.explain(answer)[0]!.buckets[0]!.after);
        if (transport === 'http')
          expect(/;r=(\d+)/.exec(String(answer.headers['ratelimit']))?.[1]).toBe(String(tokens));
        return tokens;
      };
      expect(await ask(gateway, 'limited')).toBe(200);
      expect(await ask(gateway, 'limited')).toBe(429);
      expect(used(gateway)).toBe(1);
      expect(await left()).toBe(4);
      // Beyond the quota: no token goes.
      expect(await left()).toBe(4);
      expect(await ask(gateway)).toBe(402);
      // Over both: the limit is what the caller hears of, since it may come back for that.
      expect(await ask(gateway, 'limited')).toBe(429);
    });

    describe('of a user', () => {
      const other = 'other-key-of-twenty-two-characters';
      const asOther = { headers: { 'x-api-key': other } };
      const daily = (limit: number) => ({ unit: 'requests', limit, period: 'day', warnAt: [] }) as const;
      const startWithUser = async (limit: number, quotas: [object?, object?] = [], vice?: Vice) => {
        const gateway = await start(
          {
            limits: { default: bucketOf(100) },
            breaker: { failures: 1000 },
            keys: [acme, other].map((key, at) => ({
              name: `k${at}`,
              key,
              ...(quotas[at] && { quota: quotas[at] }),
            })),
          },
          vice && { vice },
        );
        gateway.giveUser([acme, other], 900, { ...daily(limit), warnAt: [] });
        return gateway;
      };
      const usedBy = (gateway: TestGateway, what: 'quota' | 'userQuota') =>
        gateway.foresee({ keySha256: Buffer.from(keyDigest, 'hex'), method: 'm' })![what]?.used;

      it('is shared by the user’s keys, and by nobody else', async () => {
        const gateway = await startWithUser(2);
        expect([await ask(gateway), (await gateway.call('m', asOther)).status]).toEqual([200, 200]);
        const refused = await gateway.call('m', asOther);
        expect(refused.status).toBe(402);
        expect(refused.json.error.data).toMatchObject({ policy: 'quota:user', quota: 2, used: 2 });
        expect(refused.json.error.data.resetsAt).toMatch(/T00:00:00\.000Z$/);
        expect((await gateway.call()).status).toBe(200);
      });

      it('and the key’s are taken from together or not at all, and explain shows both', async () => {
        const gateway = await startWithUser(3, [{ cost: 2, period: 'month' }]);
        expect([await ask(gateway), await ask(gateway)]).toEqual([200, 200]);
        const refused = await gateway.call('m', asAcme);
        expect(refused.json.error.data).toMatchObject({ policy: 'quota:key', quota: 2, used: 2 });
        expect(gateway.explain(refused)[0]).toMatchObject({
          outcome: 'quota',
          reason: 'quota of the key',
          quota: { unit: 'cost', limit: 2, used: 2, period: 'month' },
          userQuota: { unit: 'requests', limit: 3, used: 2, period: 'day' },
        });
        expect((await gateway.call('m', asOther)).status).toBe(200);
        expect((await gateway.call('m', asOther)).json.error.data.policy).toBe('quota:user');
        expect([usedBy(gateway, 'quota'), usedBy(gateway, 'userQuota')]).toEqual([2, 3]);
      });

      it('is given back with the key’s where a call came to nothing', async () => {
        const vice: Vice = { request: (x) => x.send(x.http('rubbish')) };
        const gateway = await startWithUser(5, [{ requests: 5, period: 'day' }], vice);
        for (let k = 0; k < 8; k++) expect(await ask(gateway)).toBe(502);
        expect([usedBy(gateway, 'quota'), usedBy(gateway, 'userQuota')]).toEqual([1, 1]);
      });
    });

    it('stays with the key’s name when the key is replaced or its quota changed', async () => {
      const gateway = await start(configOf({ requests: 3, period: 'day' }));
      expect([await ask(gateway), await ask(gateway)]).toEqual([200, 200]);
      const replaced = 'replaced-key-of-twenty-two-characters';
      gateway.apply({
        limits: { default: 'none' },
        keys: [{ name: 'acme', key: replaced, quota: { requests: 4, period: 'day' } }],
      });
      const statuses: number[] = [];
      for (let k = 0; k < 3; k++) {
        statuses.push((await gateway.call('m', { headers: { 'x-api-key': replaced } })).status);
      }
      expect(statuses).toEqual([200, 200, 402]);
    });

    it('is told by explain', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-05-05T12:00:00Z') });
      const gateway = await start(configOf({ cost: 100, period: 'day' }, { methods: { costs: { m: 7 } } }));
      await ask(gateway);
      const [record] = gateway.explain(await gateway.send({ ...asAcme, body: callText('m') }));
      expect(record!.quota).toEqual({
        unit: 'cost',
        limit: 100,
        used: 14,
        period: 'day',
        resetsAt: '2030-05-06T00:00:00.000Z',
      });
    });
  });
});
