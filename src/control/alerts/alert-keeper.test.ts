import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Config, parseConfig } from '../../config/index.ts';
import type { EventDraft } from '../../events/index.ts';
import { createCounterSlab, createFigures, createFiguresMemory } from '../../metrics/index.ts';
import { type AlertKeeperParts, createAlertKeeper } from './alert-keeper.ts';

function configOf(...alerts: string[]): Config {
  const yaml = `upstreams: [{ url: "http://127.0.0.1:8545" }]\nalerts: [${alerts.join(', ')}]\n`;
  const result = parseConfig(yaml, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.config;
}

describe('the keeper of alerts', () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
        now: Date.UTC(2026, 10, 28, 12),
      }),
  );
  afterEach(() => void vi.useRealTimers());

  function keeping(parts: Partial<AlertKeeperParts>) {
    const told: [string, unknown][] = [];
    const log: string[] = [];
    const keeper = createAlertKeeper({
      events: {
        emit: ({ type, data }: EventDraft) => void told.push([type, (data as { value: number }).value]),
      },
      figures: createFigures([createCounterSlab()], [createFiguresMemory(1)]),
      health: () => [],
      usageWaitsSinceMs: () => null,
      forecast: null,
      quotas: () => [],
      buckets: { readQuota: () => 0 },
      logger: {
        warn: (_: object, text?: string) => void log.push(text ?? ''),
        info: (_: object, text?: string) => void log.push(text ?? ''),
      } as AlertKeeperParts['logger'],
      now: () => performance.now(),
      wallMs: () => Date.now(),
      ...parts,
    });
    return { keeper, told, log };
  }

  it('looks at nothing without alerts', () => {
    const { keeper } = keeping({});
    keeper.update(configOf());
    expect(vi.getTimerCount()).toBe(0);
    keeper.update(configOf('{ name: a, when: upstreams_down > 0 }'));
    expect(vi.getTimerCount()).toBe(1);
    keeper.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts upstreams that are down, of one network or of all', async () => {
    const upstream = (state: 'up' | 'down') => ({ state }) as never;
    const { keeper, told, log } = keeping({
      health: () => [
        { network: 'a', upstreams: [upstream('down'), upstream('up')] },
        { network: 'b', upstreams: [upstream('down')] },
      ],
    });
    const one = parseConfig(
      'networks: { a: { upstreams: [{ url: "http://127.0.0.1:1" }] } }\nalerts: [{ name: a, when: upstreams_down > 0, network: a }, { name: all, when: upstreams_down >= 2 }]\n',
      { env: {}, file: 'c.yaml', directory: '/etc' },
    );
    keeper.update(one.ok ? one.config : configOf());
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([
      ['alert.firing', 1],
      ['alert.firing', 2],
    ]);
    expect(log).toEqual(['alert a fires: upstreams_down > 0', 'alert all fires: upstreams_down >= 2']);
    keeper.close();
  });

  it('says how long usage has been waiting', async () => {
    let since: number | null = Date.now();
    const { keeper, told } = keeping({ usageWaitsSinceMs: () => since });
    keeper.update(configOf('{ name: a, when: journal_lag > 10s }'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([['alert.firing', 11]]);
    since = null;
    await vi.advanceTimersByTimeAsync(1000);
    expect(told.at(-1)).toEqual(['alert.resolved', 0]);
    keeper.close();
  });

  it('finds the highest share of a quota, of thousands', async () => {
    const quota = { period: 'day', unit: 'requests', limit: 200, warnAt: [] } as never;
    const { keeper, told } = keeping({
      quotas: () => Array.from({ length: 5000 }, (_, slot) => ({ slot, name: `k${slot}`, quota })),
      buckets: { readQuota: (slot) => (slot === 4711 ? 190 : slot % 100) },
    });
    keeper.update(configOf('{ name: a, when: quota_used >= 95% }'));
    for (let turns = 0; turns < 5; turns += 1) await turn();
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([['alert.firing', 0.95]]);
    keeper.close();
  });

  it('asks for the spending of users once a minute, and says once what went wrong', async () => {
    const asked: string[] = [];
    let fail = false;
    const { keeper, told, log } = keeping({
      forecast(user) {
        asked.push(user);
        return fail ? Promise.reject(new Error('away')) : Promise.resolve(120.5);
      },
    });
    const config = configOf(
      '{ name: a, when: spend_forecast > 100, user: ada@example.com }',
      '{ name: b, when: spend_forecast > 500, user: ada@example.com }',
    );
    keeper.update(config);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(asked).toEqual(['ada@example.com']);
    expect(told).toEqual([['alert.firing', 120.5]]);
    fail = true;
    await vi.advanceTimersByTimeAsync(180_000);
    expect(asked).toHaveLength(4);
    expect(log).toEqual(['alert a fires: spend_forecast > 100', 'no forecast of spending']);
    // What was known a minute ago still is.
    expect(told).toHaveLength(1);
    keeper.update(configOf());
    expect(told.at(-1)).toEqual(['alert.resolved', 120.5]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
