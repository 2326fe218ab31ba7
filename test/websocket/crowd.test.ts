import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { connectSocket } from '../../src/gateway/testing/socket.ts';
import { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { timedCalls } from '../hostile/calls.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { type Child, startChild } from './child.ts';

const sockets = 1000;
const gap = 300;

let node: ChainNode;
let calls: Child;
let program: Program;
beforeAll(async () => {
  node = await startChainNode(new BlockChain(10));
  calls = await startChild(new URL('./echo-node.ts', import.meta.url));
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 1, max_connections_per_address: 5000 },
      websocket: { max_connections: 0, max_subscriptions: 0 },
      limits: { default: 'none' },
      networks: {
        calls: { path: '/', upstreams: [{ url: calls.said }] },
        crowd: { upstreams: [{ url: node.url, ws_url: node.wsUrl }] },
      },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.kill();
  await calls?.kill();
});

it(`${gap} blocks at once to ${sockets} listeners: each has all, in order, and calls go on meanwhile`, async () => {
  const crowd = await startChild(new URL('./crowd-clients.ts', import.meta.url), [
    program.port,
    sockets,
    gap,
  ]);
  const watcher = await connectSocket(program.port, { path: '/crowd' });
  const { json } = await watcher.ask(callText('eth_subscribe', '1', '["newHeads"]'));
  expect(json.result).toBeDefined();
  const state = { isDone: false };
  const done = crowd.line().then(() => (state.isDone = true));

  node.chain.grow(gap);
  node.announce();
  const slowest: number[] = [];
  while (!state.isDone) slowest.push((await timedCalls(program.port, 20)).p99);
  await done;

  const heads = await watcher.take(gap);
  const numbers = heads.map(({ json }) => Number(json.params.result.number));
  expect(numbers).toEqual(numbers.map((_, k) => numbers[0]! + k));
  // A turn's share of events is 10 ms; before there was one, calls waited for all of them, seconds.
  slowest.sort((one, other) => one - other);
  expect(slowest.length).toBeGreaterThan(3);
  expect(slowest[slowest.length >> 1]).toBeLessThan(500);
  expect(program.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  watcher.close();
  await crowd.kill();
}, 60_000);
