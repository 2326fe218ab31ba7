import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithUs } from '../../../test/program.ts';

const patienceMs = 30_000;

/** A real Redis of our own, in a temporary folder, on a free port of 127.0.0.1; Debian’s, which is installed where we may. */
export async function startRedis() {
  execFileSync(join(import.meta.dirname, '../../../scripts/ensure-tools.sh'), ['redis-server'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
  const home = mkdtempSync(join(tmpdir(), 'polymorph-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  let release = (): void => {};

  async function start(): Promise<void> {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      home,
    ];
    const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    if (started.pid !== undefined) release = endWithUs(started.pid);
    let said = '';
    const deadline = AbortSignal.timeout(patienceMs);
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    while (!said.includes('Ready to accept connections')) {
      if (started.exitCode !== null || deadline.aborted) throw new Error(`Redis did not start:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    release();
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    /** SIGSTOP: connections stay, and nobody answers. */
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
