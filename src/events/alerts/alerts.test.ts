import { describe, expect, it } from 'vitest';
import { type AlertCondition, parseAlertWhen } from '../../config/index.ts';
import type { EventDraft } from '../event.ts';
import { type AlertRule, createAlerts, type ReadGauge } from './alerts.ts';
import type { TrafficSample } from './traffic-sample.ts';

const rule = (when: string, more: Partial<AlertRule> = {}): AlertRule => ({
  name: 'tested',
  when: parseAlertWhen(when) as AlertCondition,
  severity: 'error',
  sinks: [],
  network: null,
  user: null,
  minCalls: 10,
  ...more,
});

const START = Date.UTC(2026, 10, 28, 12);

/** Alerts that look once a second at traffic that a test tells. */
function watching(rules: AlertRule[], gauge: ReadGauge = () => null) {
  const told: EventDraft[] = [];
  let second = 0;
  const alerts = createAlerts({
    events: { emit: (draft) => void told.push(draft) },
    gauge,
    epochMs: () => START + second * 1000,
  });
  alerts.update(rules);
  const buckets = new Float64Array(448);
  const total = { calls: 0, refused: 0, failed: 0, sumMicros: 0, count: 0 };
  function look(traffic: Partial<typeof total> & { bucket?: number } = {}): EventDraft[] {
    const before = told.length;
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += traffic[name] ?? 0;
    if (traffic.bucket !== undefined) buckets[traffic.bucket]! += traffic.count ?? 0;
    const { calls, refused, failed, count, sumMicros } = total;
    const latency = { count, sumMicros, buckets: Float64Array.from(buckets) };
    const all = { calls, refused, failed };
    const networks = new Map([['mainnet', all]]);
    const sample: TrafficSample = { atMs: second * 1000, all, networks, latency };
    alerts.look(sample);
    second += 1;
    return told.slice(before);
  }
  return {
    alerts,
    look,
    /** The seconds in which something was told, and what. */
    run(seconds: number, traffic: Parameters<typeof look>[0] = {}): [number, string][] {
      return Array.from({ length: seconds }, () => second).flatMap(() =>
        look(traffic).map(({ type }): [number, string] => [second - 1, type]),
      );
    },
  };
}

const bad = { calls: 100, refused: 30 };
const good = { calls: 100, refused: 10 };

describe('alerts', () => {
  it('tells of an end to whom it told of the beginning, whatever a reload says meanwhile', () => {
    const fired = rule('upstreams_down >= 1', { severity: 'critical', sinks: ['pager'] });
    const changed = { ...fired, severity: 'warning', sinks: ['team'] } as const;
    let down: number | null = 5;
    const { alerts, look } = watching([fired], () => down);
    const toldOf = (drafts: EventDraft[]) =>
      drafts.map(({ type, severity, sinks }) => [type, severity, sinks]);
    expect(toldOf(look())).toEqual([['alert.firing', 'critical', ['pager']]]);
    alerts.update([changed]);
    down = null;
    const over = look();
    expect(toldOf(over)).toEqual([['alert.resolved', 'critical', ['pager']]]);
    expect(over[0]!.data).toMatchObject({ value: null });
    down = 5;
    expect(toldOf(look())).toEqual([['alert.firing', 'warning', ['team']]]);
  });

  it('fires once it has held for so long, and is resolved as soon as it does not', () => {
    const { run, look } = watching([rule('refused_ratio > 0.2 for 5s')]);
    expect(run(20, good)).toEqual([]);
    const from = 20;
    const fired = run(15, bad);
    // The window of five seconds passes 0.2 with its third bad one; then it must hold for five.
    expect(fired).toEqual([[from + 2 + 5, 'alert.firing']]);
    expect(run(2, good)).toEqual([]);
    expect(look(good)).toEqual([
      {
        type: 'alert.resolved',
        subject: 'alert:tested',
        severity: 'error',
        atMs: START + 37_000,
        sinks: [],
        data: { alert: 'tested', when: 'refused_ratio > 0.2 for 5s', value: 0.18, firedMs: 10_000 },
      },
    ]);
    expect(run(20, good)).toEqual([]);
  });

  it('tells value, threshold and since when', () => {
    const other = watching([rule('refused_ratio > 20% for 2s', { sinks: ['ops'] })]);
    expect([0, 1, 2, 3, 4].flatMap(() => other.look(bad))).toEqual([
      {
        type: 'alert.firing',
        subject: 'alert:tested',
        severity: 'error',
        atMs: START + 4000,
        sinks: ['ops'],
        data: {
          alert: 'tested',
          when: 'refused_ratio > 20% for 2s',
          value: 0.3,
          threshold: 0.2,
          since: new Date(START + 2000).toISOString(),
        },
      },
    ]);
  });

  it('one good second in between begins it anew', () => {
    const { run } = watching([rule('refused_ratio > 0.2 for 3s')]);
    run(10, good);
    for (let round = 0; round < 5; round += 1) {
      expect(run(3, bad)).toEqual([]);
      expect(run(3, good)).toEqual([]);
    }
  });

  it('without `for`, the last minute decides, once there is one', () => {
    const { run } = watching([rule('error_ratio >= 0.5')]);
    expect(run(70, { calls: 10, failed: 5 })).toEqual([[60, 'alert.firing']]);
    expect(run(10, { calls: 10, failed: 10 })).toEqual([]);
    expect(run(30, { calls: 10 })).toEqual([[90, 'alert.resolved']]);
  });

  it('few calls say nothing, and end what fires', () => {
    const { run } = watching([rule('refused_ratio > 0.2 for 2s', { minCalls: 10 })]);
    expect(run(20, { calls: 4, refused: 4 })).toEqual([]);
    expect(run(10, { calls: 5, refused: 5 })).toEqual([[23, 'alert.firing']]);
    expect(run(3)).toEqual([[30, 'alert.resolved']]);
  });

  it('of one network only, where it says so', () => {
    const of = (network: string) => watching([rule('refused_ratio > 0.2 for 2s', { network })]);
    expect(of('mainnet').run(10, bad)).toHaveLength(1);
    expect(of('sepolia').run(10, bad)).toEqual([]);
  });

  it('no calls are a rate, too', () => {
    const { run } = watching([rule('calls_per_second < 1 for 5s')]);
    expect(run(20, { calls: 2 })).toEqual([]);
    // Four calls in five seconds are less than one a second.
    expect(run(12)).toEqual([[22 + 5, 'alert.firing']]);
    expect(run(5, { calls: 100 })).toEqual([[32, 'alert.resolved']]);
  });

  it('latency is that of the window, not of ever', () => {
    const { run, look } = watching([rule('latency_p99 > 100ms for 3s')]);
    // Buckets of some 15 µs and of a quarter of a second.
    run(100, { calls: 1000, count: 1000, bucket: 15 });
    const fired = [1, 2, 3, 4, 5, 6].flatMap(() => look({ calls: 100, count: 100, bucket: 239 }));
    expect(fired.map(({ type }) => type)).toEqual(['alert.firing']);
    const [{ data } = { data: { value: 0 } }] = fired;
    expect(data).toMatchObject({ threshold: 0.1 });
    expect((data as { value: number }).value).toBeGreaterThan(0.2);
    expect((data as { value: number }).value).toBeLessThan(0.3);
    expect(run(10, { calls: 1000, count: 1000, bucket: 15 })).toHaveLength(1);
  });

  it('gauges are as they are; what is not known does not hold', () => {
    let down: number | null = null;
    const asked: unknown[] = [];
    const { look } = watching(
      [rule('upstreams_down >= 1', { network: 'mainnet' })],
      (metric, { network }) => {
        asked.push([metric, network]);
        return down;
      },
    );
    const types = () => look().map(({ type }) => type);
    expect(types()).toEqual([]);
    down = 1;
    expect(types()).toEqual(['alert.firing']);
    expect(types()).toEqual([]);
    down = null;
    expect(types()).toEqual(['alert.resolved']);
    expect(asked.at(-1)).toEqual(['upstreams_down', 'mainnet']);
  });

  it('a reload keeps what is the same, resolves what is gone, and begins what changed', () => {
    const kept = rule('refused_ratio > 0.2 for 2s', { name: 'kept' });
    const gone = rule('refused_ratio > 0.1 for 2s', { name: 'gone' });
    const { alerts, run } = watching([kept, gone]);
    expect(run(5, bad)).toHaveLength(2);
    const before = watching([kept]);
    expect(before.run(5, bad)).toHaveLength(1);
    before.alerts.update([{ ...kept, severity: 'critical' }]);
    expect(before.run(5, bad)).toEqual([]);
    alerts.update([kept, rule('refused_ratio > 0.2 for 5s', { name: 'changed' })]);
    // `gone` was resolved by the update itself, between two looks.
    expect(run(10, bad)).toEqual([[10, 'alert.firing']]);
  });
});
