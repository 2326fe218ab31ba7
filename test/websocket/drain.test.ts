import { afterEach, expect, it } from 'vitest';
import { callText } from '../../src/gateway/testing/client.ts';
import { connectSocket, type TestSocket, upgradeStatus } from '../../src/gateway/testing/socket.ts';
import { until } from '../../src/gateway/testing/until.ts';
import { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import { type ChainNode, startChainNode } from '../../src/websocket/hub/testing/chain-node.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

let calls: FakeUpstream;
let node: ChainNode;
let program: Program;
/** Calls that wait for their answer at the upstream. */
let waiting: (() => void)[];

async function start(drainTimeout: string): Promise<void> {
  waiting = [];
  calls = await startFakeUpstream({
    vice: { request: (exchange) => void waiting.push(() => exchange.send(exchange.http())) },
  });
  node = await startChainNode(new BlockChain(10));
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 2, drain_timeout: drainTimeout },
      limits: { default: 'none' },
      upstreams: [{ url: calls.url, ws_url: node.wsUrl }],
    },
  });
  // It looked whether the upstream is itself.
  for (const answer of waiting.splice(0)) answer();
}
afterEach(async () => {
  await program.stop();
  await node.kill();
  await calls.close();
});

const restart = { code: 1001, reason: 'service restart' };
const connect = (count: number): Promise<TestSocket[]> =>
  Promise.all(Array.from({ length: count }, () => connectSocket(program.port)));

it('SIGTERM: what is under way is answered, then each socket is told to come again', async () => {
  await start('10s');
  const [busy, idle, listening] = await Promise.all([connect(10), connect(5), connect(5)]);
  for (const socket of listening)
    expect((await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'))).json.result).toMatch(/^0x/);
  for (const [k, socket] of busy.entries()) socket.send(callText('eth_slow', `${k}`, `["${k}"]`));
  await until(() => waiting.length === busy.length);

  program.signal('SIGTERM');
  for (const socket of [...idle, ...listening]) expect(await socket.closed).toEqual(restart);
  // Nobody else comes in.
  const next = await upgradeStatus(program.port, {}).then(
    ({ status }) => String(status),
    (error: Error) => error.message,
  );
  expect(next).toMatch(/^503$|ECONNREFUSED|ECONNRESET|hang up/);
  expect(busy.every(({ over }) => !over)).toBe(true);
  for (const answer of waiting) answer();
  for (const [k, socket] of busy.entries()) {
    expect((await socket.take(1))[0]!.json).toEqual({ jsonrpc: '2.0', id: k, result: `${k}` });
    expect(await socket.closed).toEqual(restart);
  }
  expect(await program.exited).toEqual({ code: 0, signal: null });
  await until(() => node.sockets() === 0);
});

it('whoever still waits at the end of drain_timeout is not waited for', async () => {
  await start('1s');
  const [busy] = await connect(1);
  busy!.send(callText('eth_slow', '1'));
  await until(() => waiting.length === 1);
  program.signal('SIGTERM');
  expect((await busy!.closed).code).not.toBe(1000);
  await program.exited;
});
