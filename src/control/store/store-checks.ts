import type { ReadinessCheck } from '../../admin/index.ts';
import type { StoreState } from './messages.ts';

export interface StoreFacts extends StoreState {
  kind: 'sqlite' | 'postgres';
  /** Keys of the store at the last reading; null: they were never read. */
  keys: number | null;
  /** Calls and events that were served and are in no journal, since the start. It degrades nothing: it is over, and stays so. */
  lost: number;
  /** Why workers cannot write their usage now; null: they can. */
  journalProblem: string | null;
  restarts: number;
  /** Why quotas do not know what others used; null: they do. */
  quotaProblem: string | null;
}

/** Known keys serve while the store is away, and usage waits: that degrades, and somebody should look. */
export function storeChecks({
  kind,
  keys,
  lost,
  journalProblem,
  up,
  sinceMs,
  problem,
  journals,
  restarts,
  quotaProblem,
}: StoreFacts): ReadinessCheck[] {
  const { lagBytes, behindSinceMs, failures, lastError, damage } = journals;
  return [
    {
      name: 'store',
      status: up && keys !== null && quotaProblem === null ? 'up' : 'degraded',
      detail: {
        ...{ kind, keys, restarts },
        since: timeOf(sinceMs),
        problem: up && keys === null ? 'its keys are being read' : (problem ?? quotaProblem),
      },
    },
    {
      name: 'usage',
      status: behindSinceMs === null && damage.length === 0 && journalProblem === null ? 'up' : 'degraded',
      detail: {
        ...{ lagBytes, failures, lost, damaged: damage.length },
        behindSince: behindSinceMs === null ? null : timeOf(behindSinceMs),
        // What refuses or loses calls before what only waits.
        problem: journalProblem ?? (behindSinceMs === null ? null : lastError),
      },
    },
  ];
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
