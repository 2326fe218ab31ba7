import { callBody, callerKeys } from '../calls.ts';
import { createClient } from '../client.ts';
import type { Context } from '../context.ts';
import { startDelay } from '../servers/delay.ts';
import { startPolymorph } from '../servers/polymorph.ts';
import type { Server } from '../servers/server.ts';
import { callsSeen, startUpstream } from '../servers/upstream.ts';

export const identical = 64;
/** How much later the node's answers come: the calls have as long to meet. */
export const delayMs = 200;

const roundsMax = 3;

/** Identical calls at once on one worker, another call each round: how many of them the node saw. */
export async function measureCoalescing(context: Context): Promise<number[]> {
  const rounds = Math.min(context.options.rounds, roundsMax);
  context.progress(`upstreams: ${identical} identical calls at once`);
  const node = await startUpstream(context, 'coalescing-upstream', context.cores.upstream);
  const late = await startDelay(node.port, delayMs);
  const proxy = await startPolymorph(context, {
    name: 'coalescing',
    mode: 'single',
    workers: 1,
    cores: context.cores.proxy,
    upstreamPorts: [late.port],
  });
  try {
    const seen: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const before = await callsSeen(node);
      context.faults.push(...(await callAtOnce(proxy, node, round)));
      // asked directly as well, which is one call more
      seen.push((await callsSeen(node)) - before - 1);
    }
    return seen;
  } finally {
    await proxy.stop();
    late.close();
    await node.stop();
  }
}

async function callAtOnce(proxy: Server, node: Server, round: number): Promise<string[]> {
  const clients = [createClient(proxy.port, identical), createClient(node.port, 1)] as const;
  const [client, direct] = clients;
  const withId = (text: string, id: number) => text.replace(/"id":\d+/, `"id":${id}`);
  const body = callBody(round);
  try {
    const answers = await Promise.all(
      Array.from({ length: identical }, (_, id) => client.call(withId(body, id), callerKeys[0])),
    );
    const right = (await direct.call(body)).body;
    const wrong = answers.filter(
      ({ status, body: text }, id) => status !== 200 || text !== withId(right, id),
    );
    return wrong.slice(0, 1).map(({ status, body: text }) => {
      return `coalescing: ${wrong.length} of ${identical} wrong answers, the first ${status} ${text.slice(0, 300)}`;
    });
  } finally {
    for (const one of clients) one.close();
  }
}
