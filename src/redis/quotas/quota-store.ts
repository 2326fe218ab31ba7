import { createHash } from 'node:crypto';
import type { QuotaAnswer, QuotaAsk, QuotaLeaseStore } from '../../limits/index.ts';
import { quotaScript } from './script.ts';

/** What is asked of a client of Redis. Its commands end in time, by an error where none answers. */
export interface ScriptClient {
  evalsha(sha: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  eval(text: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

const sha = createHash('sha1').update(quotaScript).digest('hex');

export interface QuotaStoreOptions {
  /** null: Redis is away, and is not asked. */
  client(): ScriptClient | null;
  /** Of all keys. */
  prefix: string;
  /** All asks of a batch were answered. */
  succeeded?(): void;
  /** One was not; once a batch, since what keeps one answer back keeps them all. */
  failed?(error: unknown): void;
}

/** Quotas as they stand in Redis. */
export function createQuotaStore({ client, prefix, succeeded, failed }: QuotaStoreOptions): QuotaLeaseStore {
  async function ask(redis: ScriptClient, one: QuotaAsk): Promise<QuotaAnswer> {
    const args = [
      prefix + one.quota,
      ...[one.instance, one.seq, one.epoch, one.spent, one.known, one.unspent],
      ...[one.want, one.least, one.limit, one.instances, one.ledger, one.ledgerSum, one.expiresAtMs],
    ];
    const reply = await redis.evalsha(sha, 1, ...args).catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
        return redis.eval(quotaScript, 1, ...args);
      throw error;
    });
    const [epoch, granted, used, elsewhere] = reply as [string, string, string, string];
    return { epoch, granted: Number(granted), used: Number(used), elsewhere: Number(elsewhere) };
  }

  return {
    async ask(asks) {
      const redis = client();
      if (redis === null || asks.length === 0) return asks.map(() => null);
      const replies = await Promise.allSettled(asks.map((one) => ask(redis, one)));
      const failure = replies.find((reply) => reply.status === 'rejected');
      if (failure === undefined) succeeded?.();
      else failed?.(failure.reason);
      return replies.map((reply) => (reply.status === 'fulfilled' ? reply.value : null));
    },
  };
}
