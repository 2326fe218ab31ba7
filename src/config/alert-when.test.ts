import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertComparisons, alertMetricNames, alertMetrics, parseAlertWhen } from './alert-when.ts';

const fault = (written: string) => {
  const parsed = parseAlertWhen(written);
  return 'message' in parsed ? `${parsed.message} (${parsed.suggestion})` : parsed;
};

describe('the condition of an alert', () => {
  it('is a metric, a comparison, a threshold and how long it must hold', () => {
    expect(parseAlertWhen('refused_ratio > 0.2 for 5m')).toEqual({
      metric: 'refused_ratio',
      comparison: '>',
      threshold: 0.2,
      forMs: 300_000,
      text: 'refused_ratio > 0.2 for 5m',
    });
  });

  it.each([
    ['latency_p99>=1.5s', { comparison: '>=', threshold: 1.5, forMs: 0 }],
    ['latency_p50 > 250ms for 30s', { threshold: 0.25, forMs: 30_000 }],
    ['quota_used >= 95%', { threshold: 0.95 }],
    ['calls_per_second < 1 for 10m', { comparison: '<', threshold: 1 }],
    ['  upstreams_down   >=  1  ', { threshold: 1, text: 'upstreams_down >= 1' }],
    ['journal_lag > 0', { threshold: 0 }],
    ['spend_forecast > 1250.50', { threshold: 1250.5 }],
  ])('%s', (written, expected) => {
    expect(parseAlertWhen(written)).toMatchObject(expected);
  });

  it.each([
    [
      'refuse_ratio > 0.2',
      'unknown metric "refuse_ratio" (did you mean refused_ratio? known: refused_ratio, error_ratio, latency_p50, latency_p99, calls_per_second, quota_used, spend_forecast, upstreams_down, journal_lag)',
    ],
    ['constructor > 1', expect.stringContaining('unknown metric "constructor" (known: refused_ratio,')],
    ['zebra', expect.stringContaining('unknown metric "zebra" (known: refused_ratio,')],
    [
      'refused_ratio',
      expect.stringMatching(/^found "refused_ratio", which is no condition \(write METRIC > /),
    ],
    ['', expect.stringContaining('found "", which is no condition')],
    ['refused_ratio == 0.2', 'found "==", expected >, >=, < or <= (values are seldom equal: write >= or <=)'],
    ['refused_ratio <> 0.2', expect.stringContaining('found "<>", expected >, >=, < or <=')],
    [
      'refused_ratio > 20',
      'found "20" as the threshold of refused_ratio, expected a share from 0 to 1, or 0% to 100% (did you mean 20%?)',
    ],
    ['refused_ratio > -1', expect.stringContaining('expected a share from 0 to 1')],
    [
      'latency_p99 > 2',
      'found "2" as the threshold of latency_p99, expected a duration (add a unit, such as 2s)',
    ],
    ['latency_p99 > 2 sec', expect.stringContaining('expected a duration')],
    ['calls_per_second > 5%', expect.stringContaining('expected a number')],
    ['calls_per_second > 1e9', expect.stringContaining('expected a number')],
    ['error_ratio > 0.1 for', expect.stringContaining('found "for" behind the threshold')],
    [
      'error_ratio > 0.1 for 5',
      'found "5" behind for, expected a duration up to 24h (add a unit, such as 5s)',
    ],
    ['error_ratio > 0.1 for 3d', expect.stringContaining('a duration up to 24h')],
    [
      'error_ratio > 0.1 and latency_p99 > 1s',
      expect.stringContaining('(one condition an alert: write two alerts)'),
    ],
  ])('%s is refused', (written, expected) => {
    expect(fault(written)).toEqual(expected);
  });

  it('reads what it has written, and never throws', () => {
    const condition = fc.record({
      metric: fc.constantFrom(...alertMetricNames),
      comparison: fc.constantFrom(...alertComparisons),
      thousandths: fc.integer({ min: 0, max: 1000 }),
      seconds: fc.option(fc.integer({ min: 1, max: 86_400 })),
    });
    fc.assert(
      fc.property(condition, ({ metric, comparison, thousandths, seconds }) => {
        const isTime = alertMetrics[metric] === 'duration';
        const threshold = isTime ? `${thousandths}ms` : String(thousandths / 1000);
        const text = `${metric} ${comparison} ${threshold}${seconds === null ? '' : ` for ${seconds}s`}`;
        expect(parseAlertWhen(text)).toEqual({
          ...{ metric, comparison, text },
          threshold: thousandths / 1000,
          forMs: (seconds ?? 0) * 1000,
        });
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseAlertWhen(text)));
  });
});

it('docs/alerts.md tells of every metric', () => {
  const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(alertMetricNames.filter((name) => !table.some((row) => row.includes(`\`${name}\``)))).toEqual([]);
});
