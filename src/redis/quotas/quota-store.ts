import type { QuotaAnswer, QuotaAsk, QuotaLeaseStore } from '../../limits/index.ts';
import { callScript, createScript, type ScriptClient } from '../script.ts';
import { quotaScript } from './script.ts';

const script = createScript(quotaScript);

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
      ...[one.instance, one.seq, one.after, one.spent, one.known, one.unspent],
      ...[one.want, one.least, one.limit, one.instances, one.ledger, one.ledgerSum, one.expiresAtMs],
    ];
    const reply = await callScript(redis, script, [prefix + one.quota], args);
    const [granted, used, elsewhere] = reply as [string, string, string];
    return { granted: Number(granted), used: Number(used), elsewhere: Number(elsewhere) };
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
