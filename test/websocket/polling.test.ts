import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { connectSocket, type TestSocket } from '../../src/gateway/testing/socket.ts';
import { until } from '../../src/gateway/testing/until.ts';
import {
  BlockChain,
  contracts,
  HeadListener,
  LogListener,
} from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { openSockets } from './open-sockets.ts';

let node: ChainNode;
let program: Program;
beforeAll(async () => {
  node = await startChainNode(new BlockChain(10));
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 2 },
      limits: { default: 'none' },
      explain: { sample: 1 },
      logging: { access_sample: 1 },
      subscriptions: { poll_interval: '100ms' },
      upstreams: [{ name: 'polled-one', url: node.url }],
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.kill();
});

/** What a socket was told of its subscription, as JSON text. */
const results = (socket: TestSocket, id: string): string[] =>
  socket.seen
    .map((text) => JSON.parse(text) as { params?: { subscription: string; result: unknown } })
    .filter(({ params }) => params?.subscription === id)
    .map(({ params }) => JSON.stringify(params!.result));

it('without ws_url heads and logs come by polling, to the same rules', async () => {
  const socket = await connectSocket(program.port);
  const heads = (await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'))).json.result as string;
  const filter = JSON.stringify({ address: contracts.slice(0, 2) });
  const logs = (await socket.ask(callText('eth_subscribe', '2', `["logs",${filter}]`))).json.result as string;

  const from = node.chain.tip.head.number + 1;
  const reached = (): Promise<void> => {
    const { hash } = node.chain.tip.head;
    return until(() => results(socket, heads).some((text) => text.includes(`"hash":"${hash}"`)));
  };
  const steps: [string, () => void][] = [
    ['a block', () => node.chain.grow(1)],
    ['more blocks than one poll sees', () => node.chain.grow(9)],
    ['a fork', () => node.chain.fork(3, 5)],
    ['a fork to the same height', () => node.chain.fork(4, 4)],
    ['more again', () => node.chain.grow(20)],
  ];
  for (const [, step] of steps) {
    step();
    await reached();
  }

  const blocks = node.chain.blocks.slice(from);
  const seen = new HeadListener();
  for (const text of results(socket, heads)) seen.hear(text);
  expect(seen.chain.map(({ hash }) => hash)).toEqual(blocks.map(({ head }) => head.hash));

  const wanted = blocks
    .flatMap((block) => block.logs)
    .filter(({ address }) => contracts.slice(0, 2).includes(address));
  const believed = (): LogListener => {
    const found = new LogListener();
    for (const text of results(socket, logs)) found.hear(text);
    return found;
  };
  await expect.poll(() => believed().logs.length).toBe(wanted.length);
  expect(believed().logs).toEqual(wanted);
  expect(wanted.length).toBeGreaterThan(5);
  expect(results(socket, logs).some((text) => text.includes('"removed":true'))).toBe(true);

  // A head is shown without what only a block has.
  expect(Object.keys(JSON.parse(results(socket, heads)[0]!) as object)).not.toContain('transactions');
  // Nobody was asked for a subscription.
  expect(node.asked).not.toContain('eth_subscribe');
  socket.close();
  await socket.closed;
});

it('explain and the list of sockets say that it is polled', async () => {
  const socket = await connectSocket(program.port);
  const before = program.logs().length;
  await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'));
  const line = await program.waitFor(/"method":"eth_subscribe"/, before);
  const answer = await fetch(`${program.adminUrl}/explain/${String(line['requestId'])}`);
  const { records } = (await answer.json()) as { records: object[] };
  expect(records).toMatchObject([
    { transport: 'websocket', answeredFrom: 'hub', reason: 'one of 1 that listen, polled from polled-one' },
  ]);
  expect((await openSockets(program)).feeds).toMatchObject([
    { kind: 'newHeads', source: { upstream: 'polled-one', via: 'polling' } },
  ]);
  socket.close();
  await socket.closed;
});

it('what only a WebSocket upstream has is refused, and the socket stays', async () => {
  const socket = await connectSocket(program.port);
  for (const kind of ['newPendingTransactions', 'syncing', 'kindOfItsOwn']) {
    const { json } = await socket.ask(callText('eth_subscribe', '1', `["${kind}"]`));
    expect(json.error).toMatchObject({ code: -32601, message: `${kind} needs an upstream with WebSocket` });
  }
  expect((await socket.ask(callText())).json.result).toBe('here');
  socket.close();
  await socket.closed;
});

it('nobody listens: nothing is asked any more', async () => {
  await expect.poll(async () => (await openSockets(program)).feeds).toEqual([]);
  const quietFor = async (ms: number): Promise<boolean> => {
    const before = node.asked.length;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return node.asked.length === before;
  };
  // The chain is followed on for 5 s, for whoever comes again.
  await expect.poll(() => quietFor(500), { timeout: 10_000 }).toBe(true);
  expect(await quietFor(1000)).toBe(true);
});
