import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventTypes, type PolicySnapshot } from '../config/index.ts';
import type { Call } from './call.ts';
import { createEventFold, type WorkerEvent } from './event-fold.ts';
import { callText } from './testing/client.ts';
import { closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';
import { connectSocket } from './testing/socket.ts';

afterEach(closeGateways);

const acme = 'acme-key-of-twenty-two-characters';
const asAcme = { headers: { 'x-api-key': acme } };
const keyOf = {
  number: expect.any(Number) as number,
  id: expect.any(String) as string,
  prefix: expect.any(String) as string,
};

/** Addresses are told of where somebody wants to know. */
const events = { sinks: [{ type: 'stdout', name: 'out' }] };

const eventsOf = ({ told }: TestGateway): WorkerEvent[] =>
  told.flatMap((message) => (message.type === 'events' ? message.events : []));
/** With a beat that is still to come: main is told of nothing else then. */
const beat = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));
/** How often it happened, once so much was told. */
const happened = (gateway: TestGateway, count: number): Promise<void> =>
  vi.waitFor(() => expect(eventsOf(gateway).reduce((sum, event) => sum + event.count, 0)).toBe(count), 5000);

describe('what a worker tells of', () => {
  it('is one of a caller and type between two beats, with how often and the data of the first', async () => {
    const gateway = await startTestGateway({
      limits: { default: { requests: 1, period: '1d', burst_size: 1 } },
      keys: [{ name: 'acme', key: acme }],
    });
    await beat();
    for (let at = 0; at < 6; at += 1) await gateway.call(`eth_${at}`, asAcme);
    await gateway.call('m');
    await happened(gateway, 6);
    const byType = Object.groupBy(eventsOf(gateway), ({ type }) => type);
    const rule = { network: 'default', policy: 'default', limit: 1, burst: 1 };
    const counted = (type: WorkerEvent['type']) =>
      (byType[type] ?? []).reduce((sum, { count }) => sum + count, 0);
    expect(byType['burst.used']).toMatchObject([
      { key: keyOf, count: 1, data: { ...rule, method: 'eth_1' } },
    ]);
    expect(byType['burst.depleted']).toMatchObject([
      { key: keyOf, count: 1, data: { ...rule, method: 'eth_2' } },
    ]);
    expect(counted('rate_limit.exceeded')).toBe(4);
    expect(byType['rate_limit.exceeded']![0]).toMatchObject({
      ...{ key: keyOf, address: '127.0.0.1' },
      data: { ...rule, method: 'eth_2', retryAfterMs: expect.any(Number) as number },
    });
    expect(JSON.stringify(eventsOf(gateway))).not.toContain(acme);
    await beat();
    expect(eventsOf(gateway)).toHaveLength(Object.values(byType).flat().length);
  });

  it('names the bucket that refused, a ceiling too', async () => {
    const gateway = await startTestGateway({
      events,
      methods: { costs: { huge: 15 } },
      limits: {
        default: { requests: 1000, period: '1s' },
        ceilings: [{ name: 'per-address', per: 'address', requests: 20, period: '1d' }],
      },
    });
    await gateway.call('huge');
    await gateway.call('huge');
    await happened(gateway, 1);
    expect(eventsOf(gateway)).toMatchObject([
      {
        ...{ type: 'rate_limit.exceeded', key: null, address: '127.0.0.1', count: 1 },
        data: { policy: 'ceiling:per-address', limit: 20, burst: 0, method: 'huge' },
      },
    ]);
  });

  it('is a blocked method with its pattern, and no long name of a caller’s making', async () => {
    const gateway = await startTestGateway({ events, methods: { blocked: ['admin_*'] } });
    await gateway.call(`admin_${'x'.repeat(250)}`);
    await happened(gateway, 1);
    const [event] = eventsOf(gateway);
    expect(event).toMatchObject({ type: 'method.blocked', data: { pattern: 'admin_*' } });
    expect(JSON.stringify(event).length).toBeLessThan(400);
  });

  it('warns of each mark of a quota once, and tells of a quota that is used up', async () => {
    const gateway = await startTestGateway({
      limits: { default: 'none' },
      keys: [{ name: 'acme', key: acme, quota: { requests: 10, period: 'day', warn_at: [50, 80, 100] } }],
    });
    for (let at = 0; at < 12; at += 1) await gateway.call('m', asAcme);
    await happened(gateway, 5);
    const told = eventsOf(gateway);
    const warned = told.filter(({ type }) => type === 'quota.warning').map(({ data }) => data);
    expect(warned).toMatchObject([
      { of: 'key', unit: 'requests', limit: 10, used: 5, period: 'day', percent: 50 },
      { used: 8, percent: 80 },
      { used: 10, percent: 100 },
    ]);
    expect(warned[0]!['resetsAt']).toMatch(/T00:00:00\.000Z$/);
    const exceeded = told.filter(({ type }) => type === 'quota.exceeded');
    expect(exceeded.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(exceeded[0]).toMatchObject({ key: keyOf, data: { of: 'key', limit: 10, used: 10 } });
  });

  it('warns and tells of a quota that events of a subscription use up, as of calls', async () => {
    const gateway = await startTestGateway({
      limits: { default: 'none' },
      methods: { costs: { eth_subscription: 4 } },
      keys: [{ name: 'acme', key: acme, quota: { cost: 12, period: 'day', warn_at: [50, 75] } }],
    });
    const socket = await connectSocket(gateway.port, { path: `/${acme}` });
    await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'));
    for (let at = 0; at < 3; at += 1) gateway.hub.event(1, `${at}`);
    await socket.closed;
    await happened(gateway, 3);
    const quota = { of: 'key', unit: 'cost', limit: 12, period: 'day' };
    const warning = { type: 'quota.warning', key: keyOf, address: '127.0.0.1', count: 1 };
    expect(eventsOf(gateway)).toMatchObject([
      { ...warning, data: { ...quota, used: 9, percent: 50 } },
      { ...warning, data: { ...quota, used: 9, percent: 75 } },
      { type: 'quota.exceeded', key: keyOf, count: 1, data: { ...quota, used: 9 } },
    ]);
  });

  it('is nothing that nobody wants', async () => {
    const limits = { default: { requests: 1, period: '1d', burst_size: 1 } };
    const quiet = { server: { state_dir: 'none' }, methods: { blocked: ['admin_*'] }, limits };
    const gateway = await startTestGateway(quiet);
    const flood = async () => {
      for (let at = 0; at < 4; at += 1) await gateway.call('m');
      await gateway.call('admin_peers');
      await beat();
    };
    await flood();
    expect(eventsOf(gateway)).toEqual([]);
    const sinks = [{ type: 'stdout', name: 'one', events: ['method.*'] }];
    gateway.apply({ ...quiet, events: { sinks } });
    await flood();
    expect(new Set(eventsOf(gateway).map(({ type }) => type))).toEqual(new Set(['method.blocked']));
  });

  it('is bounded: callers beyond are told of as one', async () => {
    const gateway = await startTestGateway({
      events,
      server: { trusted_proxies: ['127.0.0.1'] },
      methods: { blocked: ['admin_*'] },
    });
    await beat();
    const calls = 2000;
    for (let at = 0; at < calls; at += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, more) =>
          gateway.call('admin_peers', {
            headers: { 'x-forwarded-for': `198.51.${Math.floor((at + more) / 256)}.${(at + more) % 256}` },
          }),
        ),
      );
    await happened(gateway, calls);
    const messages = gateway.told.flatMap((message) => (message.type === 'events' ? [message.events] : []));
    for (const some of messages) expect(some.length).toBeLessThanOrEqual(501);
  });
});

describe('many callers between two beats', () => {
  const policy = { snapshot: { networks: [{ name: 'n' }] }, method: () => ({ countedAs: 'm' }) };
  const nobody = { keyNumber: -1, keyId: '', keyPrefix: '' };
  const callOf = (caller: object, more: object = {}): Call =>
    ({
      ...{ refusal: 'rate_limited', reason: '', retryAfterMs: 1, reading: { refused: 1 } },
      plan: { links: [{ rule: { name: 'r', requests: 1, burst: 0 } }] },
      context: { caller, policy, network: 0 },
      facts: { countedAs: 'm' },
      ...more,
    }) as unknown as Call;
  const start = (ofAnonymous = eventTypes.slice()) => {
    const told: WorkerEvent[] = [];
    const snapshot = { events: { wanted: eventTypes, ofAnonymous } } as unknown as PolicySnapshot;
    const fold = createEventFold({ snapshot, tell: (events) => void told.push(...events), epochMs: () => 1 });
    return { fold, told };
  };

  it('no flood of addresses hides a key', () => {
    const { fold, told } = start();
    for (let at = 0; at < 600; at += 1) fold.refused(callOf({ ...nobody, address: `a${at}` }));
    fold.refused(callOf({ keyNumber: 7, keyId: 'id', keyPrefix: 'Jk3n9QxA', address: 'a' }));
    fold.tick();
    expect(told.filter(({ address }) => address === '*')).toMatchObject([{ key: null, count: 100 }]);
    expect(told.filter(({ key }) => key !== null)).toMatchObject([{ key: { number: 7 }, count: 1 }]);
    expect(told).toHaveLength(502);
  });

  it('tells of callers without a key what is wanted of them', () => {
    const { fold, told } = start(['burst.depleted']);
    const call = callOf({ ...nobody, address: 'a' }, { reason: 'burst depleted' });
    fold.refused(call);
    fold.refused(callOf({ keyNumber: 7, keyId: 'id', keyPrefix: 'p', address: 'a' }));
    fold.tick();
    expect(told.map(({ type, key }) => [type, key?.number])).toEqual([
      ['rate_limit.exceeded', 7],
      ['burst.depleted', undefined],
    ]);
  });

  it('no flood of keys hides a key: main is told sooner', () => {
    const { fold, told } = start();
    const keyed = (keyNumber: number) =>
      callOf({ keyNumber, keyId: `${keyNumber}`, keyPrefix: 'p', address: 'a' });
    for (let at = 0; at < 10_001; at += 1) fold.refused(keyed(at));
    expect(told).toHaveLength(10_000);
    fold.tick();
    expect(new Set(told.map(({ key }) => key!.number)).size).toBe(10_001);
  });

  it('looks through no marks once the last was told', () => {
    const { fold, told } = start();
    const marks = [50, 80];
    const filter = vi.spyOn(marks, 'filter');
    const quota = { slot: 1, of: 'key', unit: 'requests', limit: 10, period: 'day', resetsAtMs: 9, cost: 1 };
    const caller = { keyNumber: 7, keyId: 'id', keyPrefix: 'p', address: 'a' };
    for (let used = 1; used <= 10; used += 1)
      fold.answered(
        callOf(caller, { plan: { quota: { warnAt: marks } }, quota: { ...quota, used }, userQuota: null }),
      );
    fold.tick();
    expect(told.map(({ data }) => data['percent'])).toEqual([50, 80]);
    expect(filter).toHaveBeenCalledTimes(4);
  });
});
