import type { Readiness, ReadinessCheck } from '../admin/index.ts';
import type { NetworkHealth } from '../upstream/index.ts';
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
  /** Of the store and usage, Redis, events and bans; none of what there is not. */
  others: readonly ReadinessCheck[];
  /** Those that are checked. */
  networks: readonly NetworkHealth[];
}

/**
 * Ready while at least one worker serves and nothing is drained. A config file that was refused degrades: the old one
 * serves, and somebody should look; so does a store or a Redis that is away, and a journal whose disk is full. Upstreams are
 * shown and decide nothing: other networks serve, so do cached answers, and an instance that left because of them would take
 * its like with it.
 */
export function readinessOf({ phase, workers, config, others, networks }: ReadinessFacts): Readiness {
  const up = workers.filter(({ state }) => state === 'up').length;
  const checks: ReadinessCheck[] = [
    {
      name: 'workers',
      status: up === 0 ? 'down' : up < workers.length ? 'degraded' : 'up',
      detail: {
        up,
        of: workers.length,
        restarts: workers.reduce((sum, worker) => sum + worker.restarts, 0),
        problem: awayOf(workers),
      },
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
    ...others,
  ];
  const status = statusOf(phase, up, checks);
  return {
    status,
    checks: [
      ...checks,
      {
        name: 'upstreams',
        status: upstreamsStatus(networks),
        detail: { problem: downOf(networks), networks },
      },
    ],
  };
}

/** Which workers do not serve, and what they are at; null: all do. */
function awayOf(workers: ReadinessFacts['workers']): string | null {
  const away = workers.flatMap(({ state }, slot) => (state === 'up' ? [] : [`worker ${slot} is ${state}`]));
  return away.length === 0 ? null : away.join(', ');
}

/** Which upstreams are down, and why; null: none is. */
function downOf(networks: readonly NetworkHealth[]): string | null {
  const down = networks.flatMap(({ network, upstreams }) =>
    upstreams
      .filter(({ state }) => state === 'down')
      .map(({ upstream, reason }) => `${network}/${upstream} is down: ${reason}`),
  );
  return down.length === 0 ? null : down.join(', ');
}

/** `down`: some network has none that is not down. */
function upstreamsStatus(networks: readonly NetworkHealth[]): ReadinessCheck['status'] {
  const usable = networks.map(({ upstreams }) => upstreams.filter(({ state }) => state !== 'down').length);
  if (usable.includes(0)) return 'down';
  return networks.some(({ upstreams }, index) => usable[index] !== upstreams.length) ? 'degraded' : 'up';
}

function statusOf(phase: Phase, up: number, checks: readonly ReadinessCheck[]): Readiness['status'] {
  if (phase !== 'serving') return phase;
  if (up === 0) return 'failed';
  return checks.some(({ status }) => status !== 'up') ? 'degraded' : 'ready';
}
