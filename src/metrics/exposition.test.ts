import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { counterNames, definitions } from './definitions.ts';
import { createMetricsPage, histogramNames, labelText, metricsFormatOf } from './exposition.ts';
import { families, type FamilyName } from './families.ts';
import { metricsPage } from './reference.ts';

describe('families', () => {
  it('are named as Prometheus asks: base units, _total for counters alone', () => {
    for (const [name, { type, labels }] of Object.entries(families)) {
      expect(name).toMatch(/^(?:polymorph|process)(?:_[a-z0-9]+)+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:ms|millis|micros|kb|mb|minutes|hours)(?:_|$)/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });

  it('have no label that names a caller', () => {
    const labels = new Set(Object.values(families).flatMap((family) => family.labels));
    for (const label of ['key', 'address', 'ip', 'user', 'id']) expect(labels).not.toContain(label);
  });

  it('of workers’ counters are alike in kind and help, and each series is one’s own', () => {
    const kinds = new Map<string, string>();
    const series = new Set<string>();
    for (const name of counterNames) {
      const { family, kind, help, label } = definitions[name] as {
        label?: readonly string[];
      } & (typeof definitions)[typeof name];
      const said = `${kind} ${help}`;
      expect(kinds.get(family) ?? said).toBe(said);
      kinds.set(family, said);
      series.add(JSON.stringify([family, label]));
    }
    expect(series.size).toBe(counterNames.length);
  });

  it('of the roadmap are there', () => {
    const names: FamilyName[] = [
      'polymorph_requests_total',
      'polymorph_rate_limited_total',
      'polymorph_burst_used_total',
      'polymorph_request_duration_seconds',
      'polymorph_billing_events_total',
      'polymorph_config_reloads_total',
    ];
    expect(Object.keys(families).slice(0, names.length)).toEqual(names);
  });
});

test('docs/metrics.md is of these definitions: npm run docs', () => {
  expect(readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

describe('a page', () => {
  const write = (format: 'prometheus' | 'openmetrics') => {
    const page = createMetricsPage(format);
    const labels = labelText(['network', 'method'], ['a"b\\c\nd', 'eth_call']);
    page.add('polymorph_rate_limited_total', labels, 3);
    page.add('process_resident_memory_bytes', '', 1024);
    const counts = Array.from({ length: 24 }, (_, bucket) =>
      bucket === 0 || bucket === 5 || bucket === 23 ? 1 : 0,
    );
    page.addHistogram(
      'polymorph_request_duration_seconds',
      histogramNames('polymorph_request_duration_seconds', labels),
      counts,
      1_500_000,
    );
    return page.text().split('\n');
  };

  it('is Prometheus text', () => {
    const lines = write('prometheus');
    const labels = 'network="a\\"b\\\\c\\nd",method="eth_call"';
    expect(lines.slice(0, 3)).toEqual([
      '# HELP polymorph_rate_limited_total Calls refused by a limit',
      '# TYPE polymorph_rate_limited_total counter',
      `polymorph_rate_limited_total{${labels}} 3`,
    ]);
    const bucket = (le: string, count: number) =>
      `polymorph_request_duration_seconds_bucket{${labels},le="${le}"} ${count}`;
    expect(lines).toContain(bucket('0.000256', 1));
    expect(lines).toContain(bucket('0.001024', 1));
    expect(lines).toContain(bucket('0.002048', 2));
    expect(lines).toContain(bucket('16.777216', 2));
    expect(lines).toContain(bucket('+Inf', 3));
    expect(lines).toContain(`polymorph_request_duration_seconds_sum{${labels}} 1.5`);
    expect(lines).toContain(`polymorph_request_duration_seconds_count{${labels}} 3`);
    expect(lines.at(-1)).toBe('');
  });

  it('is OpenMetrics: counters’ families without _total, units, an end', () => {
    const lines = write('openmetrics');
    expect(lines[1]).toBe('# TYPE polymorph_rate_limited counter');
    expect(lines).toContain('# UNIT polymorph_request_duration_seconds seconds');
    expect(lines).toContain('# UNIT process_resident_memory_bytes bytes');
    expect(lines.slice(-2)).toEqual(['# EOF', '']);
  });

  it('takes no family that is not defined', () => {
    expect(() => createMetricsPage('prometheus').add('polymorph_nothing', '', 1)).toThrow(TypeError);
  });
});

test.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain', 'prometheus'],
  ['application/json', 'prometheus'],
  // Prometheus 2.42, and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  ['application/openmetrics-text;version=0.0.1,text/plain;q=0.5', 'prometheus'],
  ['application/openmetrics-text; version=1.0.0; q=0.4, text/plain; q=0.9', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
] as const)('Accept %s is answered with %s', (accept, format) => {
  expect(metricsFormatOf(accept)).toBe(format);
});
