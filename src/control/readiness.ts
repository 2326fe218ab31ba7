import type { Readiness, ReadinessCheck } from '../admin/index.ts';
import type { SlotState } from './worker-slot.ts';

export type Phase = 'starting' | 'serving' | 'draining';

export interface ReadinessFacts {
  phase: Phase;
  workers: readonly { state: SlotState; restarts: number }[];
  config: {
    generation: number;
    hash: string;
    /** Epoch milliseconds. */
    appliedAtMs: number;
    /** First lines of what is wrong with the file now, if the last reload was refused. */
    problem: string | null;
    /** Changes in the file that wait for a restart. */
    restartNeeded: readonly string[];
  };
}

/**
 * Ready while at least one worker serves and nothing is drained. A config file that was refused degrades: the old one
 * serves, and somebody should look.
 */
export function readinessOf({ phase, workers, config }: ReadinessFacts): Readiness {
  const up = workers.filter(({ state }) => state === 'up').length;
  const checks: ReadinessCheck[] = [
    {
      name: 'workers',
      status: up === 0 ? 'down' : up < workers.length ? 'degraded' : 'up',
      detail: { up, of: workers.length, restarts: workers.reduce((sum, worker) => sum + worker.restarts, 0) },
    },
    {
      name: 'config',
      status: config.problem === null ? 'up' : 'degraded',
      detail: {
        generation: config.generation,
        hash: config.hash,
        appliedAt: new Date(config.appliedAtMs).toISOString(),
        problem: config.problem,
        restartNeeded: config.restartNeeded,
      },
    },
  ];
  return { status: statusOf(phase, up, checks), checks };
}

function statusOf(phase: Phase, up: number, checks: readonly ReadinessCheck[]): Readiness['status'] {
  if (phase !== 'serving') return phase;
  if (up === 0) return 'failed';
  return checks.some(({ status }) => status !== 'up') ? 'degraded' : 'ready';
}
