import type { SinkConfigOf } from '../../config/index.ts';
import { httpResult } from '../http/http-result.ts';
import { createSigner } from '../http/signature.ts';
import type { Delivery, DeliveryResult, Sink, SinkDeps } from '../sink.ts';

/** HTTP POST of the event, signed as Standard Webhooks 1.0.0 says. https://www.standardwebhooks.com */
export function createWebhookSink(
  { url, secrets, headers, timeout, allow_private: allowPrivate }: SinkConfigOf<'webhook'>,
  { http }: Pick<SinkDeps, 'http'>,
): Sink {
  const sign = createSigner(secrets);
  async function post({ event, body, atMs }: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const timestamp = String(Math.floor(atMs / 1000));
    const signature = sign(event.id, timestamp, body);
    const request = {
      url,
      headers: {
        ...headers,
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        ...(signature === '' ? {} : { 'webhook-signature': signature }),
      },
      body,
      timeoutMs: timeout,
      allowPrivate,
    };
    return httpResult(() => http(request, signal), atMs);
  }
  return {
    batchMax: 1,
    deliver: (deliveries, signal) => Promise.all(deliveries.map((delivery) => post(delivery, signal))),
    close: () => Promise.resolve(),
  };
}
