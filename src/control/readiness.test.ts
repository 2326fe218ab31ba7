import { expect, test } from 'vitest';
import type { NetworkHealth } from '../upstream/index.ts';
import { type ReadinessFacts, readinessOf } from './readiness.ts';

const up = { state: 'up', restarts: 0 } as const;
const away = { state: 'waiting', restarts: 2 } as const;
const config = { generation: 1, hash: 'h', appliedAtMs: 0, problem: null, restartNeeded: [] };

test.each<[Partial<ReadinessFacts>, string]>([
  [{}, 'ready'],
  [{ phase: 'starting' }, 'starting'],
  [{ phase: 'draining' }, 'draining'],
  [{ workers: [up, away] }, 'degraded'],
  [{ workers: [away, away] }, 'failed'],
  [{ config: { ...config, problem: 'polymorph.yaml:1:1: error' } }, 'degraded'],
])('%j is %s', (facts, status) => {
  expect(
    readinessOf({ phase: 'serving', workers: [up, up], config, others: [], networks: [], ...facts }).status,
  ).toBe(status);
});

test('upstreams are shown and decide nothing', () => {
  const network = (...states: ('unknown' | 'up' | 'down')[]): NetworkHealth => ({
    network: 'main',
    chainId: 1,
    head: null,
    finalized: null,
    upstreams: states.map((state) => ({
      ...{
        upstream: 'node',
        state,
        reason: null,
        detail: null,
        head: null,
        lag: null,
        forMs: 1,
        downs: 0,
        breaker: 'closed' as const,
      },
    })),
  });
  const shown = (...networks: NetworkHealth[]) => {
    const { status, checks } = readinessOf({ phase: 'serving', workers: [up], config, others: [], networks });
    expect(status).toBe('ready');
    expect(checks[2]).toMatchObject({ name: 'upstreams', detail: { networks } });
    return checks[2]!.status;
  };
  expect(shown(network('up', 'unknown'))).toBe('up');
  expect(shown(network('up', 'down'), network('up'))).toBe('degraded');
  expect(shown(network('up', 'up'), network('down', 'down'))).toBe('down');
});

test('each check says its facts', () => {
  expect(
    readinessOf({ phase: 'serving', workers: [up, away], config, others: [], networks: [] }).checks,
  ).toEqual([
    {
      name: 'workers',
      status: 'degraded',
      detail: { up: 1, of: 2, restarts: 2, problem: 'worker 1 is waiting' },
    },
    {
      name: 'config',
      status: 'up',
      detail: {
        generation: 1,
        hash: 'h',
        appliedAt: '1970-01-01T00:00:00.000Z',
        problem: null,
        restartNeeded: [],
      },
    },
    { name: 'upstreams', status: 'up', detail: { problem: null, networks: [] } },
  ]);
});

test('says why not: which workers and upstreams', () => {
  const down = {
    upstream: 'node',
    state: 'down',
    reason: 'wrong chain',
    detail: null,
    head: null,
    lag: null,
    forMs: 1,
    downs: 1,
    breaker: 'closed',
  } as const;
  const { checks } = readinessOf({
    phase: 'serving',
    workers: [up, away],
    config,
    others: [],
    networks: [{ network: 'main', chainId: 1, head: null, finalized: null, upstreams: [down] }],
  });
  const problem = (name: string) => checks.find((check) => check.name === name)!.detail['problem'];
  expect(problem('workers')).toBe('worker 1 is waiting');
  expect(problem('upstreams')).toBe('main/node is down: wrong chain');
  expect(problem('config')).toBe(null);
});
