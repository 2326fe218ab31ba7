import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { connectSocket, type TestSocket, upgradeStatus } from '../../src/gateway/testing/socket.ts';
import { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { socketsOpen } from './open-sockets.ts';

const acme = 'acme-key-of-twenty-two-characters';
const plain = 'plain-key-of-twenty-two-characters';

let node: ChainNode;
let program: Program;
beforeAll(async () => {
  node = await startChainNode(new BlockChain(10));
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 3 },
      limits: { default: 'none' },
      websocket: { max_connections: 10, max_subscriptions: 7 },
      keys: [
        { name: 'acme', key: acme, websocket: { max_connections: 4, messages_per_second: 5 } },
        { name: 'plain', key: plain },
      ],
      upstreams: [{ url: node.url, ws_url: node.wsUrl }],
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.kill();
});

const connect = (path: string): Promise<TestSocket | number> =>
  connectSocket(program.port, { path }).catch(
    async () => (await upgradeStatus(program.port, { path })).status,
  );

async function closeAll(sockets: readonly (TestSocket | number)[]): Promise<void> {
  for (const socket of sockets) {
    if (typeof socket === 'number') continue;
    socket.close();
    await socket.closed;
  }
  await expect.poll(() => socketsOpen(program)).toBe(0);
}

it.each([
  ['an address', '/', 10],
  ['a key', `/${plain}`, 10],
  ['a key with its own bound', `/${acme}`, 4],
])('%s has its sockets over all workers together, exactly, and gets them back', async (_who, path, bound) => {
  for (const _round of ['first', 'second']) {
    const found = await Promise.all(Array.from({ length: 25 }, () => connect(path)));
    expect(found.filter((socket) => typeof socket !== 'number')).toHaveLength(bound);
    expect(new Set(found.filter((socket) => typeof socket === 'number'))).toEqual(new Set([429]));
    await closeAll(found);
  }
});

it('subscriptions are counted over all sockets of a caller, and others have their own', async () => {
  const sockets = await Promise.all(Array.from({ length: 5 }, () => connectSocket(program.port)));
  const other = await connectSocket(program.port, { path: `/${plain}` });
  const subscribe = (socket: TestSocket): Promise<string | number> =>
    socket
      .ask(callText('eth_subscribe', '1', '["newHeads"]'))
      .then(({ json }) => (json.result ?? json.error.code) as string | number);
  const found: (string | number)[] = [];
  for (let round = 0; round < 3; round++) found.push(...(await Promise.all(sockets.map(subscribe))));
  expect(found.filter((id) => typeof id === 'string')).toHaveLength(7);
  expect(found.filter((id) => id === -32005)).toHaveLength(8);
  expect(await subscribe(other)).toMatch(/^0x/);
  // All are one upstream.
  expect(node.subscriptions()).toBe(1);

  // A socket that goes, and a subscription that ends, make room.
  sockets[0]!.close();
  await sockets[0]!.closed;
  await expect.poll(() => socketsOpen(program)).toBe(5);
  expect(await subscribe(sockets[1]!)).toMatch(/^0x/);
  await closeAll([...sockets.slice(1), other]);
});

it('messages are counted over all sockets of a key', async () => {
  const sockets = await Promise.all(
    Array.from({ length: 4 }, () => connectSocket(program.port, { path: `/${acme}` })),
  );
  // Five at once, and five more each second.
  const from = performance.now();
  for (let k = 0; k < 10; k++) for (const socket of sockets) socket.send(callText('eth_call', `${k}`));
  const taken = await Promise.all(sockets.map((socket) => socket.take(10)));
  const answers = taken.flat().map(({ json }) => json as { result?: string; error?: { code: number } });
  const seconds = (performance.now() - from) / 1000;
  const passed = answers.filter(({ result }) => result !== undefined).length;
  expect(passed).toBeGreaterThanOrEqual(5);
  expect(passed).toBeLessThanOrEqual(5 + Math.ceil(5 * seconds));
  for (const { error } of answers) if (error !== undefined) expect(error.code).toBe(-32005);
  await closeAll(sockets);
});
