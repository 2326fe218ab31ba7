import { describe, expect, it } from 'vitest';
import { judgeError } from './judge-error.ts';
import { blockAsked, nodeErrorKind } from './node-errors.ts';

const said: [kind: string, code: number, message: string][] = [
  ['state', -32000, 'missing trie node 5a1c… (path ) state 0x5a1c is not available, not found'],
  ['state', -32000, 'header not found'],
  ['state', -32000, 'required historical state unavailable (reexec=128)'],
  ['state', -32000, 'historical state 0xabc is not available'],
  ['state', 4444, 'pruned history unavailable'],
  ['state', -32001, 'block not found: 0x1234'],
  ['state', -32002, 'No state available for block 0xabc'],
  ['state', -32000, 'World state unavailable'],
  ['state', -32000, 'Unknown block'],
  ['state', -32000, 'distance to target block exceeds maximum proof window'],
  ['method', -32601, 'the method debug_traceCall does not exist/is not available'],
  ['method', -32004, 'Method not supported'],
  ['method', -32600, 'Unsupported method: trace_block'],
  ['throttled', -32005, 'daily request count exceeded, request rate limited'],
  ['throttled', 429, 'Your app has exceeded its compute units per second capacity'],
  ['throttled', -32007, '50/second request limit reached'],
  ['throttled', -32603, 'Too many requests, try again later'],
  ['throttled', -32005, 'project ID request rate exceeded'],
  ['throttled', -32005, 'Too many requests, 40 credits/sec'],
  ['throttled', -32005, 'daily limit reached'],
  ['throttled', 429, ''],
  ['busy', -32000, 'node is still syncing'],
  ['busy', -32002, 'request timed out'],
  ['busy', -32603, 'service temporarily unavailable'],
  ['known', -32000, 'already known'],
  ['nonce', -32000, 'nonce too low: next nonce 5, tx nonce 4'],
  ['known', -32000, 'ALREADY_EXISTS: already known'],
  ['known', -32000, 'Known transaction'],
  ['known', -32010, 'Transaction with the same hash was already imported.'],
  ['caller', 3, 'execution reverted: header not found'],
  ['caller', -32000, 'execution reverted'],
  ['caller', -32603, 'Error: VM Exception while processing transaction: reverted with reason string'],
  ['caller', -32602, 'invalid argument 0: hex string without 0x prefix'],
  ['caller', -32600, 'invalid request'],
  ['caller', -32000, 'insufficient funds for gas * price + value'],
  ['caller', -32000, 'nonce too high'],
  ['caller', -32005, 'query returned more than 10000 results'],
  ['caller', -32005, 'limit exceeded'],
  ['caller', -32005, 'query exceeds max block range 10000'],
  ['caller', -32602, 'invalid argument 0: unknown tag "rate limit"'],
  ['caller', -32600, 'too many requests in "missing trie node"'],
  ['caller', -32700, 'parse error: rate limit'],
  ['method', -32601, 'the method x_throttle does not exist/is not available'],
  ['method', -32601, 'the method rate_limit_pruned does not exist/is not available'],
  ['internal', -32603, 'Internal error'],
  ['internal', -32603, 'internal server error'],
  ['internal', -32603, ''],
  ['caller', -32603, 'Internal error: EVM error InvalidFEOpcode'],
  ['caller', -32000, 'exceed maximum block range: 50000'],
  ['caller', -32000, 'execution aborted (timeout = 5s)'],
  ['caller', -32000, 'gas required exceeds allowance (0)'],
  ['caller', -32000, 'replacement transaction underpriced'],
];

describe('what an error says', () => {
  it.each(said)('%s: %i %s', (kind, code, message) => {
    expect(nodeErrorKind(code, JSON.stringify({ code, message }))).toBe(kind);
  });

  it('does not come from what the node quotes of the call', () => {
    const quoted = (words: string, message: string, method = 'eth_call'): string =>
      nodeErrorKind(
        -32000,
        JSON.stringify({ code: -32000, message, data: 'too many requests' }),
        `{"jsonrpc":"2.0","id":1,"method":"${method}","params":["${words}"]}`,
      );
    expect(quoted('', 'no such method: x_throttle', 'x_throttle')).toBe('caller');
    expect(quoted('Rate Limit', 'unknown tag "rate limit"')).toBe('caller');
    expect(quoted('rate\\u0020limit', 'unknown tag "rate limit"')).toBe('caller');
    // What it says itself still counts.
    expect(quoted('throttle', 'throttle: too many requests')).toBe('throttled');
    expect(quoted('', 'Missing trie node 12')).toBe('state');
  });

  it('is the caller’s where the block is beyond the head of the whole network', () => {
    const call = (block: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0xab","value":"0xffffff"},${block}]}`;
    const judge = (block: string, head: number): string =>
      judgeError(-32000, '{"message":"header not found"}', call(block), 'ethereum', head);
    expect(judge('"0x64"', 100)).toBe('state');
    expect(judge('"0x65"', 100)).toBe('caller');
    expect(judge('"0x65"', -1)).toBe('state');
    expect(judge('"latest"', 100)).toBe('state');
    expect(judge('{"blockNumber":"0x65"}', 100)).toBe('caller');
    expect(judge(`"0x${'65'.repeat(32)}"`, 100)).toBe('state');
  });

  it('of chains that are not Ethereum is believed only in what JSON-RPC and HTTP define', () => {
    const judge = (code: number): string => judgeError(code, 'header not found', '', 'generic', -1);
    expect([-32601, 429, -32000].map(judge)).toEqual(['method', 'throttled', 'caller']);
  });
});

describe('the block asked about', () => {
  it('is the last one named', () => {
    const of = (method: string, params: string): number | undefined =>
      blockAsked(`{"method":"${method}","params":${params},"id":1}`);
    expect(of('eth_getBalance', '["0x00000000219ab540356cBB839Cbe05303d7705Fa","0x10"]')).toBe(16);
    expect(of('eth_getBlockByNumber', '["0x1b4",true]')).toBe(436);
    expect(of('eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x2"}]')).toBe(2);
    expect(of('eth_call', '[{"to":"0xab"},"latest"]')).toBeUndefined();
  });
});
