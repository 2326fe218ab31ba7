import { expect, it } from 'vitest';
import type { DeliveryResult, Sink } from '../sink.ts';
import { deliveryOf, exampleEvent } from './example-event.ts';
import { type Behaviour, startFaultyReceiver } from './faulty-receiver.ts';

/** Stands in the URL’s path, and in headers where a sink has some. */
export const canary = 'canary-Zq81-never-shown';

/**
 * What every sink that speaks HTTP makes of a receiver with faults. `create` gives the sink for a receiver at `url`, with a timeout
 * of 300 ms and private addresses allowed.
 */
export function receiverCases(create: (url: string) => Sink): void {
  const cases: [string, Behaviour, Partial<DeliveryResult>][] = [
    ['500', { status: 500, body: 'oh no' }, { kind: 'retry', retryAfterMs: null }],
    [
      '503 with Retry-After',
      { status: 503, headers: { 'retry-after': '7' } },
      { kind: 'retry', retryAfterMs: 7000 },
    ],
    [
      '429 with Retry-After',
      { status: 429, headers: { 'retry-after': '30' } },
      { kind: 'retry', retryAfterMs: 30_000 },
    ],
    ['429 without', { status: 429, body: '<html>' }, { kind: 'retry', retryAfterMs: null }],
    ['410', { status: 410 }, { kind: 'gone' }],
    ['400', { status: 400, body: 'what is that?' }, { kind: 'rejected' }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, { kind: 'rejected' }],
    ['no answer in time', { status: 200, afterMs: 600 }, { kind: 'retry' }],
    ['a reset', 'reset', { kind: 'retry' }],
    ['what is no HTTP', 'garbage', { kind: 'retry' }],
    ['its own secret repeated', { status: 400, body: `no rights: ${canary}` }, { kind: 'rejected' }],
  ];

  it.each(cases)('%s', async (_, behaviour, expected) => {
    await using receiver = await startFaultyReceiver(behaviour);
    const sink = create(`${receiver.url}/hooks/${canary}`);
    const results = await sink.deliver(
      [deliveryOf(exampleEvent('upstream.down'))],
      AbortSignal.timeout(5000),
    );
    expect(results).toEqual([expect.objectContaining(expected)]);
    expect(JSON.stringify(results)).not.toContain(canary);
    expect(receiver.requests).toHaveLength(1);
    await sink.close();
  });
}
