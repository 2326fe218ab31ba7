import { afterEach, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../../../test/fakes/upstream.ts';
import { policyFor } from '../testing/caller.ts';
import { createNode, type Node } from './node.ts';

let fake: FakeUpstream | undefined;
let node: Node | undefined;

afterEach(async () => {
  await node?.close();
  await fake?.close();
  node = undefined;
  fake = undefined;
});

test('asks as the transport does, over connections that are kept', async () => {
  fake = await startFakeUpstream();
  node = createNode(policyFor(fake.port, { authorization: 'Bearer token', mode: 'batched' }), 500);
  expect(await node.ask('eth_chainId', '["0x1"]')).toEqual({ kind: 'result', value: '0x1' });
  expect(await node.ask('eth_getBlockByNumber', '[{"a":1},false]')).toEqual({
    kind: 'result',
    value: { a: 1 },
  });
  expect(JSON.parse(fake.bodies[0]!)).toMatchObject({
    jsonrpc: '2.0',
    method: 'eth_chainId',
    params: ['0x1'],
  });
  expect(fake.heads[0]).toContain('Authorization: Bearer token');
  expect(fake.accepted).toBe(1);
});

test.each([
  ['{"code":-32601,"message":"no such method"}', { kind: 'error', code: -32601, throttled: false }],
  ['{"code":-32005,"message":"limit"}', { kind: 'error', code: -32005, throttled: true }],
  ['{"code":-32000,"message":"Too Many Requests"}', { kind: 'error', code: -32000, throttled: true }],
])('an error is told by its code: %s', async (error, told) => {
  const answer = (body: string) => {
    const { id } = JSON.parse(body) as { id: number };
    return `{"jsonrpc":"2.0","id":${id},"error":${error}}`;
  };
  fake = await startFakeUpstream({
    vice: { request: (exchange) => exchange.send(exchange.http(answer(exchange.body))) },
  });
  node = createNode(policyFor(fake.port), 500);
  expect(await node.ask('m', '[]')).toEqual(told);
});

test('one that hangs ends by the timeout, and nothing mixes up afterwards', async () => {
  fake = await startFakeUpstream({ vice: { request: () => {} } });
  node = createNode(policyFor(fake.port), 200);
  const began = performance.now();
  expect(await node.ask('m', '[]')).toMatchObject({ kind: 'failed', failure: 'timeout' });
  expect(performance.now() - began).toBeLessThan(400);
  fake.behave({});
  expect(await node.ask('m', '["0x2"]')).toEqual({ kind: 'result', value: '0x2' });
});

test('none there, and no JSON', async () => {
  fake = await startFakeUpstream({ vice: { request: (each) => each.send(each.http('<html>')) } });
  const { port } = fake;
  node = createNode(policyFor(port), 200);
  expect(await node.ask('m', '[]')).toMatchObject({ kind: 'failed', failure: 'answer' });
  await fake.close();
  fake = undefined;
  expect(await node.ask('m', '[]')).toMatchObject({ kind: 'failed', failure: 'connect' });
});
