import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { families } from '../../src/metrics/index.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { hasPrometheus, type Prometheus, promtool, startPrometheus } from './prometheus.ts';

const token = 'token-of-the-metrics-test';
const key = 'metrics-key-of-twenty-two-characters';
const deploy = (file: string) => new URL(`../../deploy/${file}`, import.meta.url);
const rules = readFileSync(deploy('prometheus-rules.yaml'), 'utf8');

/** Names of metrics in a text that are of no family. */
function strangers(text: string): string[] {
  const names = new Set(text.match(/\b(?:polymorph|process)_[a-z_]+/g));
  return [...names].filter((name) => {
    if (Object.hasOwn(families, name)) return false;
    const family = families[name.replace(/_(?:bucket|sum|count)$/, '')];
    return family?.type !== 'histogram';
  });
}

interface Dashboard {
  panels: { title: string; targets?: { expr: string }[] }[];
  templating: { list: { query: { query: string } | string }[] };
}
const dashboard = JSON.parse(readFileSync(deploy('grafana-dashboard.json'), 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('what is deployed', () => {
  it('asks only for metrics that there are', () => {
    expect(strangers(rules)).toEqual([]);
    expect(strangers(JSON.stringify(dashboard))).toEqual([]);
    expect(queries.length).toBeGreaterThan(30);
  });
});

describe.skipIf(!hasPrometheus())(
  'a real Prometheus (skipped where Debian’s package cannot be installed)',
  () => {
    let node: FakeUpstream;
    let program: Program;
    let prometheus: Prometheus;

    beforeAll(async () => {
      node = await startFakeUpstream();
      program = await startProgram({
        config: {
          ...quiet,
          server: { workers: 2 },
          admin: { token },
          upstreams: [{ url: node.url, name: 'one' }],
          limits: { default: 'none', methods: { scarce: { requests: 5, period: '24h', burst_size: 3 } } },
          methods: { blocked: ['admin_*'] },
          events: { sinks: [{ name: 'lines', type: 'stdout' }] },
          keys: [{ name: 'acme', key }],
        },
      });
      prometheus = await startPrometheus(program.adminUrl, token);
    });
    afterAll(async () => {
      await prometheus.close();
      program.signal('SIGTERM');
      await program.exited;
      await node.close();
    });

    const page = async (accept: string) => {
      const headers = { authorization: `Bearer ${token}`, accept };
      return (await fetch(`${program.adminUrl}/metrics`, { headers })).text();
    };

    it('finds the rules sound', () => {
      expect(promtool(['check', 'rules', deploy('prometheus-rules.yaml').pathname])).toBe('');
    });

    it('is refused without the token', async () => {
      expect((await fetch(`${program.adminUrl}/metrics`)).status).toBe(401);
    });

    it('scrapes the numbers that were sent, and no caller', async () => {
      const as = { 'x-api-key': key };
      const call = (method: string, headers: Record<string, string> = {}) =>
        send(program.port, { headers, body: callText(method) });
      for (let k = 0; k < 40; k++) await call('eth_call', as);
      for (let k = 0; k < 10; k++) await call('scarce');
      for (let k = 0; k < 4; k++) await call('admin_peers');
      for (let k = 0; k < 2; k++) await call('eth_nobody_knows');
      const ban = await fetch(`${program.adminUrl}/operations/blocklist.add`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ address: '203.0.113.9', by: 'test' }),
      });
      expect(ban.status).toBe(200);
      await program.reload({
        ...JSON.parse(readFileSync(program.configFile, 'utf8')),
        explain: { sample: 0.5 },
      });

      // A scrape that began after all of it.
      for (const end = performance.now() + 20_000; performance.now() < end; await delay(250)) {
        const sum = await prometheus.query('sum(polymorph_requests_total)');
        const reloads = await prometheus.query('polymorph_config_reloads_total{result="applied"}');
        const delivered = await prometheus.query('polymorph_sink_deliveries_total{outcome="delivered"} >= 4');
        if (sum.get('{}') === 56 && [...reloads.values()][0] === 1 && delivered.size > 0) break;
      }
      expect(await prometheus.target()).toMatchObject({ health: 'up', lastError: '' });
      const value = async (query: string) => [...(await prometheus.query(`sum(${query})`)).values()][0];
      expect(
        await value('polymorph_requests_total{network="default",method="eth_call",outcome="allowed"}'),
      ).toBe(40);
      expect(await value('polymorph_rate_limited_total{method="scarce"}')).toBe(2);
      expect(await value('polymorph_burst_used_total{method="scarce"}')).toBe(3);
      expect(await value('polymorph_requests_total{method="admin_*",outcome="blocked"}')).toBe(4);
      expect(await value('polymorph_requests_total{method="other"}')).toBe(2);
      expect(await value('polymorph_request_duration_seconds_count')).toBe(50);
      expect(await value('polymorph_upstream_calls_total{upstream="one"}')).toBe(50);
      expect(await value('polymorph_config_reloads_total{result="applied"}')).toBe(1);
      expect(await value('polymorph_workers{state="up"}')).toBe(2);

      // Each of the six that were promised, of events and bans too.
      for (const family of [
        'polymorph_requests_total',
        'polymorph_rate_limited_total',
        'polymorph_burst_used_total',
        'polymorph_request_duration_seconds_bucket',
        'polymorph_billing_events_total',
        'polymorph_config_reloads_total',
      ])
        expect(await value(family), family).toBeGreaterThan(0);
      for (const type of ['rate_limit.exceeded', 'method.blocked', 'ip.banned', 'config.reloaded'])
        expect(await value(`polymorph_billing_events_total{type="${type}"}`), type).toBe(1);
      expect(await value('polymorph_bans')).toBe(1);
      expect(await value('polymorph_sink_up{sink="lines"}')).toBe(1);
      expect(await value('polymorph_sink_deliveries_total{sink="lines",outcome="dead"}')).toBe(0);

      // Text of both kinds: Prometheus itself asks for OpenMetrics, promtool reads the older one.
      const text = await page('text/plain');
      expect(promtool(['check', 'metrics'], text)).toBe('');
      expect(text).not.toContain('# EOF');
      for (const secret of [key, 'acme', '127.0.0.1', '203.0.113.9', 'eth_nobody_knows', token]) {
        // The name of an upstream is the config's.
        expect(text).not.toContain(secret);
      }
    });

    it('understands every query of the dashboard', async () => {
      for (const query of queries) {
        const filled = query
          .replaceAll('$__rate_interval', '10s')
          .replaceAll(/\$(?:job|instance|network)/g, '.*');
        await expect(prometheus.query(filled), query).resolves.toBeInstanceOf(Map);
      }
      const calls = queries.find((query) => query.includes('by (outcome)'))!;
      const filled = calls
        .replaceAll('$__rate_interval', '1m')
        .replaceAll(/\$(?:job|instance|network)/g, '.*');
      // A rate takes two scrapes.
      let size = 0;
      for (const end = performance.now() + 10_000; size < 3 && performance.now() < end; await delay(250))
        ({ size } = await prometheus.query(filled));
      expect(size).toBeGreaterThan(2);
    });
  },
);
