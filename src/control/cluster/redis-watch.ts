import type { ReadinessCheck } from '../../admin/index.ts';
import type { EventDraft } from '../../events/index.ts';
import type { CommandCounts, RedisState } from '../../redis/index.ts';
import type { Logger } from '../logs.ts';
import type { RedisKeeper } from './redis-keeper.ts';

/** How Redis does, as this instance sees it: plain data, for metrics and pages. */
export interface RedisFacts extends RedisState {
  kind: 'single' | 'sentinel' | 'cluster';
  /** This instance's id, and those of all that share Redis with it, this one included. */
  instance: string;
  members: readonly string[];
  /** See `MembersState`. */
  twin: boolean;
  /** Buckets of which this instance holds a lease. */
  leases: number;
  /** Times that it went away, since the start. */
  losses: number;
  /** Workers whose own connection finds it away. */
  workersAway: number;
  /** Main's. */
  commands: Readonly<CommandCounts>;
}

/** Tells of Redis's coming and going. */
export interface RedisWatch {
  /** Whom its events are about. */
  readonly subject: string;
  /** A run of this instance that has ended told of its going, and of no return. */
  wasDown(atMs: number): void;
  facts(): RedisFacts;
  checks(): ReadinessCheck[];
  /** The gateway serves: changes are told from now on, and that Redis is away already. */
  began(): void;
  stop(): void;
}

export interface RedisWatchOptions {
  redis: Pick<RedisKeeper, 'id' | 'settings'> & {
    members: Pick<RedisKeeper['members'], 'state' | 'onChange'>;
    link: Pick<RedisKeeper['link'], 'counts'> & {
      guard: Pick<RedisKeeper['link']['guard'], 'state' | 'onChange'>;
    };
  };
  leases(): number;
  workersAway(): number;
  emit(draft: EventDraft): void;
  logger: Pick<Logger, 'info' | 'warn'>;
  epochMs(): number;
  /** Calls `work` once; what it returns takes that back. */
  after(ms: number, work: () => void): () => void;
}

/** So long it must be there before that is told; twice as long after each end that did not last, up to a minute. */
const HOLD_MS = 2000;
const HOLD_MS_MAX = 60_000;
/** An end that lasted so long was one. */
const CALM_MS = 300_000;

/**
 * One trouble is told at once when it begins and once when it is over, however often Redis came and went in between: so one that flaps
 * makes two events a minute, not two a second.
 */
export function createRedisWatch(options: RedisWatchOptions): RedisWatch {
  const { redis, emit, logger, epochMs } = options;
  const { link, members, settings, id } = redis;
  const subject = `redis:${id}`;
  let began = false;
  let losses = 0;
  /** The trouble that was told: since when, and how often Redis went away in it; null: there is none. */
  let trouble: { sinceMs: number; losses: number } | null = null;
  let endedMs = Number.NEGATIVE_INFINITY;
  let holdMs = HOLD_MS;
  let cancel = (): void => {};

  function away({ sinceMs, reason }: RedisState): void {
    cancel();
    if (trouble !== null) {
      trouble.losses += 1;
      return;
    }
    holdMs = epochMs() - endedMs < CALM_MS ? Math.min(2 * holdMs, HOLD_MS_MAX) : HOLD_MS;
    trouble = { sinceMs, losses: 1 };
    const why = reason ?? 'unknown reason';
    logger.warn(
      { kind: 'redis', reason: why },
      `Redis is away: ${why}; limits go on by this instance’s share`,
    );
    const data = { instance: id, reason: why };
    emit({ type: 'redis.down', subject, severity: 'error', atMs: sinceMs, data });
  }

  function here({ sinceMs }: RedisState): void {
    cancel();
    if (trouble === null) return;
    const { sinceMs: fromMs, losses: times } = trouble;
    cancel = options.after(holdMs, () => {
      trouble = null;
      endedMs = epochMs();
      const data = { instance: id, downMs: Math.max(0, sinceMs - fromMs), losses: times };
      const often = times === 1 ? '' : `, and went ${times} times in that`;
      logger.info(
        { kind: 'redis', ...data },
        `Redis is back: it was away for ${data.downMs / 1000} s${often}`,
      );
      emit({ type: 'redis.up', subject, severity: 'info', atMs: endedMs, data });
    });
  }

  const changed = (state: RedisState): void => {
    if (state.away) losses += 1;
    if (began) (state.away ? away : here)(state);
  };
  link.guard.onChange(changed);

  let twin = false;
  members.onChange((state) => {
    if (state.twin && !twin)
      logger.warn(
        { kind: 'redis', instance: id },
        `${twinProblem}: give each a state_dir of its own, without the file instance.id of the other`,
      );
    twin = state.twin;
  });

  const facts = (): RedisFacts => {
    const { ids, twin: isTwin } = members.state();
    return {
      ...link.guard.state(),
      ...{ kind: settings.to.kind, instance: id, members: ids, twin: isTwin, losses },
      ...{ leases: options.leases(), workersAway: options.workersAway(), commands: link.counts },
    };
  };
  return {
    subject,
    wasDown(atMs) {
      if (trouble !== null || !began) return;
      trouble = { sinceMs: atMs, losses: 1 };
      const state = link.guard.state();
      if (!state.away) here(state);
    },
    facts,
    checks: () => redisChecks(facts()),
    began() {
      began = true;
      const state = link.guard.state();
      if (state.away) return away(state);
      const { length: instances } = members.state().ids;
      logger.info(
        { kind: 'redis', instance: id, instances },
        `shares limits by Redis, instances: ${instances}`,
      );
    },
    stop() {
      began = false;
      cancel();
    },
  };
}

const twinProblem = 'another instance has the same id (server.state_dir was copied, or two use it)';

/** Calls are served while Redis is away, by shares: that degrades, and somebody should look. */
export function redisChecks(facts: RedisFacts): ReadinessCheck[] {
  const { away, sinceMs, reason, kind, instance, members, twin, leases, losses, workersAway } = facts;
  const ofWorkers = workersAway === 0 ? null : `workers whose own connection finds it away: ${workersAway}`;
  const problem = away ? reason : (ofWorkers ?? (twin ? twinProblem : null));
  return [
    {
      name: 'redis',
      status: problem === null ? 'up' : 'degraded',
      detail: {
        ...{ kind, instance, members, leases, losses },
        since: new Date(sinceMs).toISOString(),
        problem,
      },
    },
  ];
}
