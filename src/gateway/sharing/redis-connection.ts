import type { SharedStore } from '../../answer/index.ts';
import type { ExactStore, LeaseState } from '../../limits/index.ts';
import type { CommandCounts } from '../../redis/index.ts';
import type { WorkerStart } from '../messages.ts';

/** A worker's own connection to Redis. */
export interface RedisConnection {
  /** Exact limits are decided by it. */
  readonly exact: ExactStore;
  /** Answers are kept there together. */
  readonly answers: SharedStore;
  readonly counts: Readonly<CommandCounts>;
  /** It finds Redis away. */
  isAway(): boolean;
  /** Resolves once Redis serves it, at once where main finds it away, and after half a second in any case. */
  ready(state: Pick<LeaseState, 'away'>): Promise<void>;
  /** Ends it. Nothing is sent any more. */
  close(): void;
}

/** The first exact calls would go by the share else. Milliseconds. */
const READY_MS = 500;

/** Under way when it resolves. Loads the client of Redis, which a worker without `redis` has no use for. */
export async function openRedisConnection(
  redis: NonNullable<WorkerStart['redis']>,
): Promise<RedisConnection> {
  const { createExactStore, createSharedStore, openRedis } = await import('../../redis/index.ts');
  const { client, guard, counts, untilThere, close } = await openRedis(redis, Date.now);
  const options = { client, guard, prefix: redis.prefix, timeoutMs: redis.command_timeout };
  return {
    exact: createExactStore(options),
    answers: createSharedStore(options),
    counts,
    isAway: guard.isOpen,
    ready: (state) => (state.away ? Promise.resolve() : untilThere(READY_MS)),
    close,
  };
}
