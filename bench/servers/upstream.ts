import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../client.ts';
import { type Context, freePort } from '../context.ts';
import { type Server, whenReady } from './server.ts';

const stillMs = 50;
const stillLooks = 2;
const looksMax = 40;

/** The node behind all proxies (see native/upstream.c). */
export async function startUpstream(context: Context, name: string, cores: string): Promise<Server> {
  const port = await freePort();
  const started = context.processes.start(name, context.programs.upstream, [String(port)], cores);
  return whenReady(started, port);
}

/** How many calls it has answered so far, each item of a batch counted, once no more of them arrive. */
export async function callsSeen(upstream: Server): Promise<number> {
  let seen = await callsSoFar(upstream);
  for (let n = 0, still = 0; n < looksMax && still < stillLooks; n++) {
    await sleep(stillMs);
    const later = await callsSoFar(upstream);
    still = later === seen ? still + 1 : 0;
    seen = later;
  }
  return seen;
}

/** The same at this moment. */
export async function callsSoFar(upstream: Server): Promise<number> {
  const client = createClient(upstream.port, 1);
  try {
    return (JSON.parse((await client.get('/count')).body) as { calls: number }).calls;
  } finally {
    client.close();
  }
}
