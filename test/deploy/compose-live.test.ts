import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { endWithUs, type Program, startProgram } from '../program.ts';
import { freePorts } from '../redis/ports.ts';
import { startRedis } from '../redis/server.ts';
import { hasPrometheus, type Prometheus, startPrometheus } from '../stats/prometheus.ts';
import { eventually } from '../store/gateway.ts';
import { ensureTools, root } from './tools.ts';

/**
 * The services of the compose file without containers: two gateways with its config, HAProxy with its, Redis, PostgreSQL and Prometheus from
 * Debian. Another are addresses and ports, the folder of the state, and PostgreSQL's password, which the one here does not ask for; Prometheus
 * scrapes one gateway each second. Grafana is not there.
 */

const folder = join(root, 'deploy/compose');
const token = 'token-of-the-compose-test';

function hasHaproxy(): boolean {
  try {
    ensureTools('haproxy');
    return true;
  } catch {
    return false;
  }
}

/** Puts what is there in place of each of the texts, which must all be there. */
function replaced(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`no ${from} in the file`);
    return now.replaceAll(from, to);
  }, text);
}

describe.skipIf(!hasHaproxy() || !hasPrometheus())(
  'the services of the compose file (skipped where Debian’s haproxy and prometheus cannot be installed)',
  () => {
    const temporary = mkdtempSync(join(tmpdir(), 'polymorph-compose-'));
    let node: FakeUpstream;
    let gateways: [Program, Program];
    let prometheus: Prometheus;
    let port: number;
    /** What has to be ended, the newest first, also where not all of it started. */
    const started = new AsyncDisposableStack();

    beforeAll(async () => {
      started.defer(() => rmSync(temporary, { recursive: true, force: true }));
      const password = 'secret-of-redis';
      node = await startFakeUpstream();
      started.defer(() => node.close());
      const redis = started.use(await startRedis({ password }));
      const postgres = await startPostgres();
      started.defer(() => postgres.stop());
      const database = await postgres.createDatabase();
      const start = async (name: string): Promise<Program> => {
        const config = replaced(readFileSync(join(folder, 'config/polymorph.yaml'), 'utf8'), {
          '/var/lib/polymorph': join(temporary, name),
          'postgres://polymorph:${POSTGRES_PASSWORD}@postgres:5432/polymorph': database,
          'redis:6379': `127.0.0.1:${redis.port}`,
          '172.30.85.0/24': '127.0.0.1/32',
        });
        const env = { ADMIN_TOKEN: token, REDIS_PASSWORD: password, NODE_URL: node.url };
        const gateway = await startProgram({ config, env });
        started.defer(async () => void (await gateway.kill()));
        return gateway;
      };
      gateways = await Promise.all([start('one'), start('two')]);
      prometheus = await startPrometheus(gateways[0].adminUrl, token);
      started.defer(() => prometheus.close());

      port = (await freePorts(1))[0]!;
      const [one, two] = gateways.map((gateway) => ({
        rpc: gateway.port,
        admin: new URL(gateway.adminUrl).port,
      }));
      const cfg = replaced(readFileSync(join(folder, 'haproxy.cfg'), 'utf8'), {
        // Two file descriptors each: not every machine has so many for a program.
        'maxconn 20000': 'maxconn 1000',
        'bind :8540': `bind 127.0.0.1:${port}`,
        'check port 9540': 'check',
        'proxy-1:8540': `127.0.0.1:${one!.rpc} port ${one!.admin}`,
        'proxy-2:8540': `127.0.0.1:${two!.rpc} port ${two!.admin}`,
      });
      writeFileSync(join(temporary, 'haproxy.cfg'), cfg);
      const haproxy = spawn('haproxy', ['-db', '-f', join(temporary, 'haproxy.cfg')], { stdio: 'ignore' });
      if (haproxy.pid !== undefined) started.defer(endWithUs(haproxy.pid));
      started.defer(() => void haproxy.kill('SIGKILL'));
      await eventually(async () => (await call()) === 200, 20_000);
    }, 120_000);
    afterAll(() => started.disposeAsync());

    /** By the balancer, whose word for our address the gateways take. */
    const call = async (): Promise<number> => (await send(port, { body: callText('m') })).status;
    const admin = (gateway: Program, path: string, headers: Record<string, string> = {}) =>
      fetch(gateway.adminUrl + path, { headers: { authorization: `Bearer ${token}`, ...headers } });

    it('the balancer brings calls to both, and both count them for one limit', async () => {
      const began = performance.now();
      const answers: number[] = [];
      for (let round = 0; round < 15; round++)
        answers.push(...(await Promise.all(Array.from({ length: 100 }, call))));
      const seconds = (performance.now() - began) / 1000;
      const passed = answers.filter((status) => status === 200).length;
      expect(answers.filter((status) => ![200, 429].includes(status))).toEqual([]);
      expect(passed).toBeGreaterThanOrEqual(100);
      // 150 at once and 100 a second, and once more 150 should Redis not have answered in time: by themselves two let through twice as many.
      expect(passed).toBeLessThanOrEqual(150 + 100 * seconds + 150);
      for (const gateway of gateways) {
        const page = await (await admin(gateway, '/metrics')).text();
        expect(page).toMatch(/^polymorph_requests_total\{[^}]*outcome="(?:allowed|burst|exceeded)"\} [1-9]/m);
      }
    });

    it('keys are made once and known to both', async () => {
      const operate = async (name: string, input: object): Promise<any> => {
        const answer = await fetch(`${gateways[0].adminUrl}/operations/${name}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(input),
        });
        expect(answer.status).toBe(200);
        return answer.json();
      };
      const user = await operate('users.create', { email: 'a@example.com', name: 'a' });
      const { key } = await operate('keys.create', { user: user.id });
      const as = { headers: { 'x-api-key': key }, body: callText('m') };
      for (const gateway of gateways)
        await eventually(async () => (await send(gateway.port, as)).status === 200, 5_000);
    });

    it('Prometheus scrapes it, and the adapter’s query makes the autoscaler’s metric of that', async () => {
      const { rules } = parse(readFileSync(join(root, 'deploy/helm/prometheus-adapter-values.yaml'), 'utf8'));
      const [rule] = rules.custom;
      // As the adapter fills it, for pods; here instances stand for them.
      const query = replaced(rule.metricsQuery, {
        '<<.Series>>': 'polymorph_requests_total',
        '<<.LabelMatchers>>': 'job="polymorph"',
        '<<.GroupBy>>': 'instance',
      });
      const [pattern, name] = [new RegExp(rule.name.matches), rule.name.as.replace('${1}', '$1')];
      expect('polymorph_requests_total'.replace(pattern, name)).toBe('polymorph_requests_per_second');
      expect(rule.seriesQuery).toBe('polymorph_requests_total{namespace!="",pod!=""}');
      const end = performance.now() + 20_000;
      let rates: number[] = [];
      while (!(rates.length === 1 && rates[0]! > 0) && performance.now() < end) {
        await call();
        await delay(200);
        rates = [...(await prometheus.query(query)).values()];
      }
      expect(rates).toEqual([expect.any(Number)]);
      expect(rates[0]).toBeGreaterThan(0);
    });

    it('one that is ended costs no call', async () => {
      const stop = new AbortController();
      const seen: Record<string, number> = {};
      const calling = (async () => {
        while (!stop.signal.aborted) {
          const status = await call().catch((error: Error) => error.message);
          seen[status] = (seen[status] ?? 0) + 1;
          await delay(15);
        }
      })();
      await delay(500);
      gateways[1].signal('SIGTERM');
      expect(await gateways[1].exited).toEqual({ code: 0, signal: null });
      await delay(1000);
      stop.abort();
      await calling;
      expect(
        Object.keys(seen).filter((status) => !['200', '429'].includes(status)),
        JSON.stringify(seen),
      ).toEqual([]);
      expect(seen['200']).toBeGreaterThan(20);
    });
  },
);
