import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { connectSocket, type TestSocket } from '../../src/gateway/testing/socket.ts';
import { until } from '../../src/gateway/testing/until.ts';
import { BlockChain, HeadListener } from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { socketsOpen } from './open-sockets.ts';
import { startRepeating } from './repeating.ts';

const stays = 'key-that-stays-of-many-characters';
const goes = 'key-that-goes-of-many-characters-';
const sockets = { anonymous: 80, stays: 60, goes: 40, other: 20 };

let node: ChainNode;
let program: Program;
const upstreams = (): object[] => [{ url: node.url, ws_url: node.wsUrl }];
const configOf = (over: object = {}): object => ({
  ...quiet,
  server: { workers: 2, state_dir: 'none' },
  limits: { default: 'none' },
  networks: {
    main: { path: '/', upstreams: upstreams() },
    other: { path: '/other', upstreams: upstreams() },
  },
  keys: [
    { name: 'stays', key: stays },
    { name: 'goes', key: goes },
  ],
  ...over,
});
beforeAll(async () => {
  node = await startChainNode(new BlockChain(10));
  program = await startProgram({ config: configOf() });
});
afterAll(async () => {
  await program?.stop();
  await node?.kill();
});

async function listen(path: string): Promise<TestSocket> {
  const socket = await connectSocket(program.port, { path });
  expect((await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'))).json.result).toMatch(/^0x/);
  return socket;
}
const many = (count: number, path: string): Promise<TestSocket[]> =>
  Promise.all(Array.from({ length: count }, () => listen(path)));

/** What a socket heard is a chain without a gap; resolves once its end is the node's. */
async function heardAll(socket: TestSocket): Promise<void> {
  const tip = node.chain.tip.head.hash;
  await until(() => socket.seen.at(-1)?.includes(tip) === true);
  const chain = new HeadListener();
  for (const { json } of await socket.take(socket.waiting())) chain.hear(JSON.stringify(json.params.result));
}

it('reloads move no socket but those of a key or network that is gone', async () => {
  const staying = [...(await many(sockets.anonymous, '/')), ...(await many(sockets.stays, `/${stays}`))];
  const going = await many(sockets.goes, `/${goes}`);
  const other = await many(sockets.other, '/other');
  expect(await socketsOpen(program)).toBe(200);
  expect(node.subscriptions()).toBe(2);
  const growing = startRepeating(10, async () => {
    node.chain.grow(1);
    node.announce();
  });

  await program.reload(configOf({ limits: { default: bucketOf(1_000_000) } }));
  await program.reload(configOf({ websocket: { max_connections: 500 } }));
  expect([...staying, ...going, ...other].every((socket) => !socket.over)).toBe(true);

  await program.reload(configOf({ keys: [{ name: 'stays', key: stays }] }));
  for (const socket of going)
    expect(await socket.closed).toEqual({ code: 4401, reason: 'key no longer valid' });

  await program.reload({ ...configOf(), networks: { main: { path: '/', upstreams: upstreams() } } });
  // Why its feeds ended, or that its network is gone: whichever comes first.
  for (const socket of other) expect([1011, 4404]).toContain((await socket.closed).code);

  await growing.stop();
  await Promise.all(staying.map(heardAll));
  expect(staying.every((socket) => !socket.over)).toBe(true);
  expect(await socketsOpen(program)).toBe(staying.length);
  // Upstream nothing was moved either: one subscription for each network.
  expect(node.asked.filter((method) => method === 'eth_subscribe')).toHaveLength(2);
  expect(node.subscriptions()).toBe(1);
  for (const socket of staying) expect((await socket.ask(callText())).json.result).toBe('here');
});
