import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../config/index.ts';
import type { CloudEvent } from '../event.ts';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { plainHttp } from '../testing/plain-http.ts';
import { pagerdutyMessageSchema } from '../testing/published-schemas.ts';
import { receiverCases } from '../testing/receiver-cases.ts';
import { startFaultyReceiver } from '../testing/faulty-receiver.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { sinkDeps } from '../testing/sink-deps.ts';
import { createPagerdutySink, pagerdutyMessage } from './pagerduty.ts';

const key = '0123456789abcdef0123456789abcdef';
const create = (url: string) =>
  createPagerdutySink(
    sinkConfig('pagerduty', { routing_key: key, url, timeout: '300ms', allow_private: true }),
    sinkDeps({ http: plainHttp }),
  );
const of = (event: CloudEvent) => pagerdutyMessageSchema.parse(pagerdutyMessage(event, key));
const signal = () => AbortSignal.timeout(5000);

describe('pagerduty', () => {
  it.each(eventTypes)('%s is an event as PagerDuty publishes them', async (type) => {
    await using receiver = await startFaultyReceiver({ status: 202, body: '{"status":"success"}' });
    const results = await create(receiver.url).deliver([deliveryOf(exampleEvent(type))], signal());
    expect(results).toEqual([{ kind: 'delivered' }]);
    pagerdutyMessageSchema.parse(receiver.json());
  });

  it.each([
    ['redis.down', 'redis.up', 'polymorph:default:redis:b0a7c3de-51f2-4f0e-9a67-2d8c94e1f35a'],
    ['upstream.down', 'upstream.up', 'polymorph:default:upstream:mainnet/node-1'],
    ['ip.banned', 'ip.unbanned', 'polymorph:default:ban:203.0.113.7'],
    ['alert.firing', 'alert.resolved', 'polymorph:default:alert:refusals'],
  ] as const)('%s opens what %s resolves', (begin, end, dedup) => {
    expect(of(exampleEvent(begin))).toMatchObject({ event_action: 'trigger', dedup_key: dedup });
    expect(of(exampleEvent(end))).toEqual({ routing_key: key, event_action: 'resolve', dedup_key: dedup });
  });

  it('a config that is refused opens what the next good one resolves', () => {
    const reloaded = exampleEvent('config.reloaded');
    const refused = { ...reloaded, data: { ...reloaded.data, ok: false, problem: 'a.yaml:3:1: no' } };
    expect(of(refused)).toMatchObject({
      event_action: 'trigger',
      dedup_key: 'polymorph:default:config.reloaded:config',
    });
    expect(of(reloaded)).toMatchObject({
      event_action: 'resolve',
      dedup_key: 'polymorph:default:config.reloaded:config',
    });
  });

  it('a quota’s warnings and its end are one incident a period', () => {
    const warning = of(exampleEvent('quota.warning'));
    const exceeded = exampleEvent('quota.exceeded');
    expect(of(exceeded).dedup_key).toBe(warning.dedup_key);
    const next = { ...exceeded, data: { ...exceeded.data, resetsAt: '2027-01-01T00:00:00.000Z' } };
    expect(of(next).dedup_key).not.toBe(warning.dedup_key);
  });

  it('says what happened, where and how bad', () => {
    expect(of(exampleEvent('upstream.down'))).toMatchObject({
      client: 'PolymorphProxy',
      payload: {
        summary: 'Upstream node-1 of mainnet is down',
        source: '/polymorph',
        severity: 'error',
        timestamp: '2026-11-28T12:00:00.000Z',
        component: 'upstream:mainnet/node-1',
        group: 'default',
        class: 'upstream.down',
        custom_details: { data: { network: 'mainnet', upstream: 'node-1', reason: 'connection refused' } },
      },
    });
  });

  it('keeps every bound', () => {
    const { data, ...event } = exampleEvent('method.blocked');
    const long = '😀'.repeat(200_000);
    const message = pagerdutyMessage({ ...event, subject: long, data: { ...data, method: long } }, key);
    expect(pagerdutyMessageSchema.safeParse(message).error).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(512 * 1024);
  });

  it('a retried trigger does not open again what its end has closed', async () => {
    await using receiver = await startFaultyReceiver({ status: 500 }, { status: 202 });
    const sink = create(receiver.url);
    const down = deliveryOf(exampleEvent('upstream.down'));
    expect(await sink.deliver([down], signal())).toMatchObject([{ kind: 'retry' }]);
    expect(await sink.deliver([deliveryOf(exampleEvent('upstream.up'))], signal())).toMatchObject([
      { kind: 'delivered' },
    ]);
    expect(await sink.deliver([{ ...down, attempt: 2 }], signal())).toEqual([{ kind: 'delivered' }]);
    expect(receiver.requests).toHaveLength(2);
    const later = exampleEvent('upstream.down', { sequence: '0000000000000009999' });
    expect(await sink.deliver([deliveryOf(later)], signal())).toEqual([{ kind: 'delivered' }]);
    expect(receiver.requests).toHaveLength(3);
  });

  it('takes nothing but PagerDuty’s 202 for its word', async () => {
    await using receiver = await startFaultyReceiver({ status: 200, body: '<html>' });
    const results = await create(receiver.url).deliver([deliveryOf(exampleEvent('ip.banned'))], signal());
    expect(results).toMatchObject([{ kind: 'retry', problem: 'not PagerDuty’s 202: HTTP 200: <html>' }]);
  });

  describe('a receiver with faults', () => {
    receiverCases(create);
  });
});
