import { Redis } from 'ioredis';
import type { SinkConfigOf } from '../../config/index.ts';
import type { Delivery, DeliveryResult, Sink } from '../sink.ts';
import { problemText } from './http-answer.ts';

/**
 * Entries of a Redis stream, one XADD an event, a batch in one pipeline. An event that is sent twice is there twice, under the
 * same `id`. Nothing waits in the client: while Redis is away each delivery fails at once, or within `timeout`, and is retried
 * by the schedule.
 */
export function createRedisStreamSink(settings: SinkConfigOf<'redis-stream'>): Sink {
  const { url, stream, max_length: maxLength, timeout: timeoutMs, batch: batchMax } = settings;
  const redis = new Redis(url, {
    // Said here, the environment (NODE_TLS_REJECT_UNAUTHORIZED) cannot say otherwise.
    ...(url.startsWith('rediss:') && { tls: { rejectUnauthorized: true } }),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // Deliveries connect again: the breaker before them decides how often.
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
  });
  // Each command says what is wrong; without a listener the client prints it.
  redis.on('error', () => undefined);
  let connecting: Promise<void> | undefined;

  async function connected(): Promise<void> {
    if (redis.status === 'ready') return;
    connecting ??= redis.connect().finally(() => {
      connecting = undefined;
    });
    await connecting;
  }

  async function add(deliveries: readonly Delivery[]): Promise<DeliveryResult[]> {
    await connected();
    const pipeline = redis.pipeline();
    const bound = maxLength === 0 ? [] : ['MAXLEN', '~', maxLength];
    for (const { event, body } of deliveries)
      pipeline.call('XADD', stream, ...bound, '*', 'id', event.id, 'type', event.type, 'event', body);
    const answers = (await pipeline.exec()) ?? [];
    return deliveries.map((_, index) => resultOf(answers[index]?.[0] ?? (answers[index] ? null : lost)));
  }

  return {
    batchMax,
    async deliver(deliveries, signal) {
      const ended = Promise.withResolvers<never>();
      const abort = (): void => ended.reject(new Error('given up'));
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await Promise.race([add(deliveries), ended.promise]);
      } catch (error) {
        return deliveries.map(() => resultOf(error));
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    close() {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}

const lost = new Error('no answer');

/** Whatever Redis says, it may say otherwise once it has room, is a primary again, or somebody has put its rights in order. */
function resultOf(error: unknown): DeliveryResult {
  if (error === null) return { kind: 'delivered' };
  return { kind: 'retry', problem: `Redis: ${problemText(error)}`, retryAfterMs: null };
}
