import { createPublicClient, http, keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { mainnet } from 'viem/chains';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { accounts } from '../anvil.ts';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import type { FakeExchange, Vice } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { undaunted } from './undaunted.ts';

/** A signed transaction whose first node fails in the middle: what the caller, and each node, sees of it. */

let first: FakeNode;
let second: FakeNode;
let program: Program;
/** What the nodes' pool holds, by hash: nodes tell each other. */
const pool = new Set<string>();
let nonce = 0;

beforeAll(async () => {
  [first, second] = await Promise.all([startFakeNode(), startFakeNode()]);
  const timeouts = { timeout: '400ms', first_byte_timeout: '400ms' };
  const upstreams = [
    { url: first.url, name: 'first', ...timeouts },
    { url: second.url, name: 'second', tier: 'fallback', ...timeouts },
  ];
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        both: { ...undaunted, timeout: '3s', upstreams },
        alone: { ...undaunted, timeout: '3s', upstreams: [upstreams[0]] },
      },
      limits: { default: 'none' },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await Promise.all([first?.close(), second?.close()]);
});
beforeEach(() => {
  pool.clear();
  first.forget();
  second.forget();
  second.behave({});
});

/** Ways the first node ends after it has taken the transaction. */
const deaths: Record<string, Vice> = {
  'resets the connection': { request: (x) => taken(x, () => void x.socket.resetAndDestroy()) },
  'closes the connection': { request: (x) => taken(x, () => void x.socket.end()) },
  'cuts its answer short': {
    request: (x) =>
      taken(x, () => void x.socket.end(x.http(x.answer.slice(0, 30), { length: x.answer.length }))),
  },
  'says nothing any more': { request: (x) => taken(x, () => {}) },
  'is hidden by a 502': {
    request: (x) => taken(x, () => x.send(x.http('<html>', { status: '502 Bad Gateway' }))),
  },
};
/** What the second node says then. */
const receptions: Record<string, Vice> = {
  'takes it too': {},
  'knows it already': { request: (x) => x.send(x.http(refusal(x, 'already known'))) },
  'knows it already, in other words': {
    request: (x) => x.send(x.http(refusal(x, 'ALREADY_EXISTS: already known'))),
  },
  'has mined it already': {
    request(x) {
      const { id, method, params } = JSON.parse(x.body) as { id: number; method: string; params: string[] };
      if (method !== 'eth_getTransactionByHash')
        return x.send(x.http(refusal(x, 'nonce too low: next nonce 8, tx nonce 7')));
      const [hash] = params;
      x.send(x.http(JSON.stringify({ jsonrpc: '2.0', id, result: pool.has(hash!) ? { hash } : null })));
    },
  },
};

describe.each(Object.entries(deaths))('the first node takes a transaction and %s', (_, death) => {
  test.each(Object.entries(receptions))(
    'the second %s: the caller gets the hash',
    async (_name, reception) => {
      const { raw, hash } = await signed();
      first.behave(death);
      second.behave(reception);
      expect(await clientOf('both').sendRawTransaction({ serializedTransaction: raw })).toBe(hash);
      expect(pool).toContain(hash);
      expect(copies(first)).toEqual([raw]);
      expect(copies(second)).toEqual([raw]);
    },
  );

  test('there is no other: the caller is told, and the node is not asked twice', async () => {
    const { raw } = await signed();
    first.behave(death);
    await expect(clientOf('alone').sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow();
    expect(copies(first)).toEqual([raw]);
  });
});

test('a transaction that the caller sent before is the caller’s to hear of', async () => {
  const { raw } = await signed();
  first.behave(receptions['knows it already']!);
  await expect(clientOf('both').sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow(
    /already known/,
  );
  expect([copies(first), copies(second)]).toEqual([[raw], []]);
});

test('a transaction that is wrong goes nowhere else', async () => {
  const { raw } = await signed();
  first.behave({ request: (x) => x.send(x.http(refusal(x, 'insufficient funds for gas * price + value'))) });
  await expect(clientOf('both').sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow(
    /insufficient funds/,
  );
  expect([copies(first), copies(second)]).toEqual([[raw], []]);
});

test('a node that nobody listens at never had it: another takes it', async () => {
  const gone = await startFakeNode();
  await gone.close();
  await program.reload({
    server: { workers: 1, state_dir: 'none' },
    networks: {
      both: {
        ...undaunted,
        upstreams: [
          { url: gone.url, name: 'first' },
          { url: second.url, name: 'second', tier: 'fallback' },
        ],
      },
    },
    limits: { default: 'none' },
  });
  const { raw, hash } = await signed();
  expect(await clientOf('both').sendRawTransaction({ serializedTransaction: raw })).toBe(hash);
  expect(copies(second)).toEqual([raw]);
});

function taken(x: FakeExchange, then: () => void): void {
  for (const { params } of x.calls) pool.add(keccak256(params[0] as `0x${string}`));
  then();
}

function refusal({ calls }: FakeExchange, message: string): string {
  return `{"jsonrpc":"2.0","id":${String(calls[0]?.id)},"error":{"code":-32000,"message":"${message}"}}`;
}

async function signed(): Promise<{ raw: `0x${string}`; hash: `0x${string}` }> {
  const raw = await privateKeyToAccount(accounts.alice.privateKey).signTransaction({
    chainId: 1,
    type: 'eip1559',
    to: accounts.bob.address,
    nonce: nonce++,
    gas: 21_000n,
    maxFeePerGas: 1_000_000_000n,
    maxPriorityFeePerGas: 1n,
  });
  return { raw, hash: keccak256(raw) };
}

function clientOf(network: string) {
  return createPublicClient({
    chain: mainnet,
    transport: http(`${program.url}/${network}`, { retryCount: 0, timeout: 10_000 }),
  });
}

function copies(node: FakeNode): unknown[] {
  return node.received('eth_sendRawTransaction').map(({ params }) => params[0]);
}
