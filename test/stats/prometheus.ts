import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real Prometheus that scrapes one target every second. */
export interface Prometheus {
  /** The value of each series that the query finds, by its labels as JSON. Rejects where the query is not valid. */
  query(query: string): Promise<Map<string, number>>;
  /** What the last scrape came to. */
  target(): Promise<{ health: string; lastError: string; lastScrapeDuration: number }>;
  close(): Promise<void>;
}

/** Debian's package `prometheus`, which has promtool too; it is installed where we may. False: there is none. */
export function hasPrometheus(): boolean {
  const works = () => spawnSync('promtool', ['--version']).status === 0;
  if (works()) return true;
  spawnSync(join(import.meta.dirname, '../../scripts/ensure-tools.sh'), ['prometheus'], {
    stdio: 'inherit',
    timeout: 2 * 60_000,
  });
  return works();
}

/** What promtool says; '' where all is well. */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 && stderr === '' ? '' : `${status}: ${stdout}${stderr}`;
}

export async function startPrometheus(target: string, token: string): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const port = await freePort();
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      {
        job_name: 'polymorph',
        authorization: { credentials: token },
        static_configs: [{ targets: [new URL(target).host] }],
      },
    ],
    rule_files: [join(import.meta.dirname, '../../deploy/prometheus-rules.yaml')],
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  execFileSync('promtool', ['check', 'config', join(folder, 'prometheus.yml')]);
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const get = async (path: string): Promise<any> => {
    const answer = await fetch(url + path);
    const body = (await answer.json()) as { status: string; error?: string; data: any };
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`);
    return body.data;
  };
  const close = async () => {
    child.kill();
    await exited;
    await rm(folder, { recursive: true });
  };
  const ready = async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true;
  for (const end = performance.now() + 30_000; !(await ready()); await delay(50)) {
    if (performance.now() < end && child.exitCode === null) continue;
    await close();
    throw new Error('Prometheus did not start');
  }
  return {
    close,
    async query(query) {
      const { result } = await get(`/api/v1/query?query=${encodeURIComponent(query)}`);
      const series = result as { metric: object; value: [number, string] }[];
      return new Map(series.map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])]));
    },
    async target() {
      return (await get('/api/v1/targets')).activeTargets[0];
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
