/**
 * What an answer costs that another instance kept, beside one of a node and one of the worker's own: `node test/redis/measure-cache.ts`.
 * CPU of the whole program, of which the worker is the most; the node is a fake one, on this machine.
 */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { startFakeNode } from '../fakes/ethereum-node.ts';
import type { Program } from '../program.ts';
import { startInstances, stopInstances } from './instances.ts';
import { startRedis } from './server.ts';

const calls = 6000;
const connections = 8;
/** Linux counts a process's time in hundredths of a second. */
const TICK_MICROS = 10_000;

await using redis = await startRedis();
const node = await startFakeNode();
const programs = (await startInstances({
  ...{ node: node.url, redis: redis.url, count: 2 },
  limits: { default: 'none' },
  more: { cache: { shared: true } },
})) as [Program, Program];
const [one, other] = programs;

const paramsOf = (number: number): string => `["0x${number.toString(16).padStart(40, '0')}","0x5"]`;

function cpuMicros({ pid }: Program): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

async function ask(program: Program, from: number, what?: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const took: number[] = [];
  let next = from;
  const cpu = cpuMicros(program);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < from + calls) {
        const body = callText('eth_getBalance', '1', paramsOf(next++));
        const began = performance.now();
        await send(program.port, { body, agent });
        took.push(performance.now() - began);
      }
    }),
  );
  agent.destroy();
  if (what === undefined) return;
  const micros = (cpuMicros(program) - cpu) / calls;
  const at = (share: number): string => took[Math.floor(took.length * share)]!.toFixed(2);
  took.sort((a, b) => a - b);
  console.log(
    `${what.padEnd(32)} ${micros.toFixed(0).padStart(4)} µs of CPU, ${at(0.5)} ms median, ${at(0.99)} ms p99`,
  );
}

for (const program of programs) await ask(program, 0);
await ask(other, 1e6);
// Both are warm, and share one chain.
await ask(one, 2e6);
await ask(other, 2e6, 'found in Redis');
await ask(other, 2e6, 'found in the worker’s own cache');
await ask(other, 3e6, 'asked of the node, looked for first');
const summary = await (await fetch(`${other.adminUrl}/stats/summary`)).json();
console.log((summary as { cache: { shared: object } }).cache.shared);
await stopInstances(programs);
const alone = (await startInstances({
  ...{ node: node.url, redis: redis.url, count: 1 },
  limits: { default: 'none' },
})) as [Program];
await ask(alone[0], 0);
await ask(alone[0], 1e6);
await ask(alone[0], 2e6, 'asked of the node, nothing shared');
await stopInstances(alone);
await node.close();
