import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { connectSocket, type TestSocket } from '../../src/gateway/testing/socket.ts';
import { until } from '../../src/gateway/testing/until.ts';
import { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { inParallel, open } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { closeFrame, frame, opcodes } from './frames.ts';
import { openSockets } from './open-sockets.ts';
import { openRaw, upgradeRequest } from './raw-socket.ts';
import { startRepeating } from './repeating.ts';

const visits = process.env.POLYMORPH_TEST_LONG === '1' ? 20_000 : 2000;

let node: ChainNode;
let program: Program;
beforeAll(async () => {
  node = await startChainNode(new BlockChain(10));
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 2 },
      limits: { default: 'none' },
      upstreams: [{ url: node.url, ws_url: node.wsUrl }],
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.kill();
});

/** The kinds that share one subscription upstream, those each with its own, and logs by filters that nobody else has. */
function subscription(k: number): string {
  const params = [
    '["newHeads"]',
    `["logs",{"address":"0x${k.toString(16).padStart(40, '0')}"}]`,
    '["newPendingTransactions"]',
    `["kindOfItsOwn",{"k":${k}}]`,
    '["syncing"]',
  ];
  return callText('eth_subscribe', '1', params[k % params.length]);
}

const text = (message: string): Buffer => frame(opcodes.text, message);
const closed = (socket: Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));

/** Writes, and destroys the connection once the kernel has it. */
async function sendAndVanish(pieces: Buffer[]): Promise<void> {
  const socket = await open({ port: program.port });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.write(Buffer.concat(pieces), () => resolve()));
  socket.destroy();
  await closed(socket);
}

/** How a client comes and goes, each in its own way. */
const ways: ((k: number) => Promise<void>)[] = [
  async function closesProperly(k) {
    const socket = await connectSocket(program.port);
    expect((await socket.ask(subscription(k))).json.result).toMatch(/^0x/);
    socket.close();
    await socket.closed;
  },
  async function isDestroyed(k) {
    const raw = await openRaw({ port: program.port });
    raw.write(text(subscription(k)));
    expect((await raw.next())!.payload.toString()).toContain('"result":"0x');
    raw.socket.destroy();
  },
  async function isDestroyedRightAfterItAsked(k) {
    const raw = await openRaw({ port: program.port });
    await new Promise<void>((resolve) => raw.socket.write(text(subscription(k)), () => resolve()));
    raw.socket.destroy();
  },
  async function closesRightAfterItAsked(k) {
    const raw = await openRaw({ port: program.port });
    raw.write(Buffer.concat([text(subscription(k)), closeFrame(1000)]));
    await raw.rest();
    raw.socket.destroy();
  },
  (_k) => sendAndVanish([upgradeRequest().subarray(0, 60)]),
  (_k) => sendAndVanish([upgradeRequest()]),
  (k) => sendAndVanish([upgradeRequest(), text(subscription(k)), text(subscription(k + 1))]),
  async function takesSomeBack(k) {
    const socket = await connectSocket(program.port);
    const ids: string[] = [];
    for (let each = k; each < k + 5; each++)
      ids.push((await socket.ask(subscription(each))).json.result as string);
    for (const id of ids.slice(2)) socket.send(callText('eth_unsubscribe', '2', `["${id}"]`));
    socket.close();
    await socket.closed;
  },
];

const listen = async (): Promise<TestSocket> => {
  const socket = await connectSocket(program.port);
  expect((await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'))).json.result).toMatch(/^0x/);
  return socket;
};

it('of thousands who came and went nothing is left, here and upstream', async () => {
  // Or their end would be the end of the socket upstream, and take everything with it.
  const anchor = await listen();
  let most = 0;
  const growing = startRepeating(20, async () => {
    node.chain.grow(1);
    node.announce();
    most = Math.max(most, node.subscriptions());
  });
  await inParallel(
    Array.from({ length: visits }, (_, k) => k),
    32,
    (k) => ways[k % ways.length]!(Math.floor(k / ways.length)),
  );
  await growing.stop();
  expect(most).toBeGreaterThan(3);

  const left = async (): Promise<[number, number, number]> => [
    node.subscriptions(),
    node.sockets(),
    (await openSockets(program)).total,
  ];
  await expect.poll(left, { timeout: 10_000 }).toEqual([1, 1, 1]);
  expect((await openSockets(program)).feeds).toMatchObject([{ kind: 'newHeads', listeners: 1 }]);
  anchor.close();
  await anchor.closed;
  await expect.poll(left, { timeout: 10_000 }).toEqual([0, 0, 0]);
  expect((await openSockets(program)).feeds).toEqual([]);

  // And whoever comes next is served as the first one was.
  const next = await listen();
  node.chain.grow(1);
  node.announce();
  await until(() => next.waiting() > 0);
  expect((await next.take(1))[0]!.json.params.result.hash).toBe(node.chain.tip.head.hash);
  expect(await left()).toEqual([1, 1, 1]);
  next.close();
  expect(program.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});
