import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { open } from '../framing/connection.ts';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import type { FakeExchange } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';

const callers = 64;
let node: FakeNode;
let program: Program;
/** So that no test meets what another left in the cache. */
let hash = '';

beforeAll(async () => {
  node = await startFakeNode();
  const network = { upstreams: [{ url: node.url }], health: { interval: '1h' } };
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        joined: network,
        once: { ...network, retry: { attempts: 1 } },
        apart: { ...network, coalesce: false },
      },
      limits: { default: 'none' },
    },
  });
  // Answers are kept where the node is known to be sound: until the only check of each network is over.
  while (node.calls.length < 6) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 300));
});
afterAll(async () => {
  await program?.stop();
  await node?.close();
});
beforeEach(({ task }) => {
  hash = `0x${Buffer.from(task.id).toString('hex').padStart(64, '0').slice(-64)}`;
  node.behave({ request: slowly });
  node.forget();
});

test('64 identical calls at once are one call to the node, and each has its own id', async () => {
  const answers = await askAll('/joined', 'eth_getBlockByHash');
  expect(answers.map(({ body }) => body)).toEqual(expected());
  expect(node.received('eth_getBlockByHash')).toHaveLength(1);
});

test('what is known for ever is asked for once', async () => {
  for (let k = 0; k < 3; k++) {
    const answers = await askAll('/joined', 'eth_chainId', 8, '[]');
    expect(answers.map(({ body }) => body)).toEqual(
      Array.from({ length: 8 }, (_, id) => `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`),
    );
  }
  expect(node.received('eth_chainId')).toHaveLength(1);
});

test('turned off, each is a call', async () => {
  const answers = await askAll('/apart', 'eth_getBlockByHash');
  expect(answers.map(({ body }) => body)).toEqual(expected());
  expect(node.received('eth_getBlockByHash')).toHaveLength(callers);
});

test('what must run each time it is called is never joined', async () => {
  const answers = await askAll('/joined', 'eth_sendTransaction', 8);
  expect(answers.map(({ body }) => body)).toEqual(expected().slice(0, 8));
  expect(node.received('eth_sendTransaction')).toHaveLength(8);
});

test('other params, or the same method on another network, are never joined', async () => {
  const [here, there, other] = await Promise.all([
    askAll('/joined', 'eth_getBlockByHash', 4),
    askAll('/once', 'eth_getBlockByHash', 4),
    askAll('/joined', 'eth_getBlockByHash', 4, `["${hash}",false]`),
  ]);
  expect([...here, ...there, ...other].map(({ body }) => body)).toEqual(
    Array.from({ length: 3 }, () => expected().slice(0, 4)).flat(),
  );
  expect(node.received('eth_getBlockByHash')).toHaveLength(3);
});

test('the first call fails: it is asked once more for the others, not for each', async () => {
  let requests = 0;
  node.behave({
    request(x) {
      if (x.calls.length > 0 && requests++ === 0) {
        setTimeout(() => x.send(x.http('busy', { status: '500 Internal Server Error' })), 100);
      } else slowly(x);
    },
  });
  const answers = await askAll('/once', 'eth_getBlockByHash');
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(callers - 1);
  for (const { status, body } of answers) if (status === 200) expect(expected()).toContain(body);
  expect(node.received('eth_getBlockByHash')).toHaveLength(2);
});

test('it fails again: all are told, and it was asked no more', async () => {
  node.behave({
    request: (x) =>
      void setTimeout(() => x.send(x.http('busy', { status: '500 Internal Server Error' })), 100),
  });
  const answers = await askAll('/once', 'eth_getBlockByHash');
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]));
  expect(answers.map(({ json }) => json.id)).toEqual(answers.map((_, k) => k));
  expect(node.received('eth_getBlockByHash').length).toBeLessThanOrEqual(2);
});

test('the first caller leaves: the others are answered', async () => {
  const body = callText('eth_getBlockByHash', '"gone"', `["${hash}",true]`);
  const leaver = await open({ port: program.port });
  leaver.write(`POST /joined HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await expect.poll(() => node.received('eth_getBlockByHash').length, { interval: 5 }).toBe(1);
  const others = askAll('/joined', 'eth_getBlockByHash', 8);
  leaver.resetAndDestroy();
  expect((await others).map(({ body: text }) => text)).toEqual(expected().slice(0, 8));
  expect(node.received('eth_getBlockByHash').length).toBeLessThanOrEqual(2);
});

/** Late enough for all callers to have come. */
function slowly(x: FakeExchange): void {
  setTimeout(() => x.send(x.http()), 300);
}

async function askAll(path: string, method: string, count = callers, params = `["${hash}",true]`) {
  const agent = new Agent({ keepAlive: true });
  const answers = await Promise.all(
    Array.from({ length: count }, (_, k) =>
      send(program.port, { agent, path, body: callText(method, `${k}`, params) }),
    ),
  );
  agent.destroy();
  return answers;
}

function expected(): string[] {
  return Array.from({ length: callers }, (_, k) => `{"jsonrpc":"2.0","id":${k},"result":"${hash}"}`);
}
