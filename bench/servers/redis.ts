import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, freePort } from '../context.ts';
import type { Server } from './server.ts';

const readyMs = 20_000;

/** A Redis of our own that keeps nothing on disk. */
export async function startRedis(context: Context): Promise<Server & { url: string }> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const started = context.processes.start('redis', 'redis-server', args, context.cores.upstream);
  const deadline = performance.now() + readyMs;
  while (!started.output().includes('Ready to accept connections')) {
    if (!started.running() || performance.now() > deadline)
      throw new Error(`redis-server did not start\n${started.output()}`);
    await sleep(25);
  }
  const { name, output, stop } = started;
  return { name, port, pids: [started.pid], output, stop, url: `redis://127.0.0.1:${port}` };
}
