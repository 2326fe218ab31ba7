import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ethereumFacts } from './ethereum-facts.ts';
import { found, lifetimeOf, lifetimes } from './lifetime.ts';
import { Caller, callText } from './testing/caller.ts';

const stamp = { head: 100, finalized: 90, epoch: 1, reorgs: 0, served: -1, heads: [] };
const names = Object.keys(lifetimes) as (keyof typeof lifetimes)[];
const hash = `0x${'aB'.repeat(32)}`;

/** The lifetime's name, with the height where it is final. */
function judge(method: string, params?: string): string {
  const { bytes, paramsStart, paramsEnd } = new Caller(callText('1', method, params));
  const lifetime = lifetimeOf(ethereumFacts[method]!, bytes, paramsStart, paramsEnd, stamp);
  const name = names.find((each) => lifetimes[each] === lifetime)!;
  return name === 'final' ? `final ${found.height}` : name;
}

test.each([
  ['eth_chainId', undefined, 'chain'],
  ['eth_blockNumber', '[]', 'number'],
  ['eth_gasPrice', undefined, 'head'],
  ['eth_getBalance', '["0x1","latest"]', 'head'],
  ['eth_getBalance', '["0x1"]', 'head'],
  ['eth_getBalance', '["0x1",null]', 'head'],
  ['eth_getBalance', '["0x1","finalized"]', 'head'],
  ['eth_getBalance', '["0x1","safe"]', 'head'],
  ['eth_getBalance', '["0x1","earliest"]', 'head'],
  ['eth_getBalance', '["0x1","pending"]', 'never'],
  ['eth_getBalance', '["0x1","LATEST"]', 'never'],
  ['eth_getBalance', String.raw`["0x1","lat\u0065st"]`, 'never'],
  ['eth_getBalance', '["0x1",27]', 'never'],
  ['eth_getBalance', '["0x1","0x"]', 'never'],
  ['eth_getBalance', '["0x1","0x1g"]', 'never'],
  ['eth_getBalance', '["0x1","-0x1"]', 'never'],
  ['eth_getBalance', '["0x1","0xfffffffffffffff"]', 'never'],
  ['eth_getBalance', '["0x1","0x5a"]', 'final 90'],
  ['eth_getBalance', '["0x1","0x0"]', 'final 0'],
  ['eth_getBalance', '["0x1","0x5B"]', 'head'],
  ['eth_getBalance', '["0x1","0x64"]', 'head'],
  ['eth_getBalance', '["0x1","0x65"]', 'shared'],
  ['eth_getBalance', `["0x1","${hash}"]`, 'head'],
  ['eth_getBalance', '{"address":"0x1","block":"0x1"}', 'never'],
  ['eth_call', '[{"to":"0x2","data":"0x"},{"blockNumber":"0x10"}]', 'final 16'],
  ['eth_call', '[{"to":"0x2"},{"blockNumber":"pending"}]', 'never'],
  ['eth_call', `[{"to":"0x2"},{"blockHash":"${hash}"}]`, 'head'],
  ['eth_call', `[{},{"blockHash":"${hash}","requireCanonical":true}]`, 'head'],
  ['eth_call', `[{},{"blockHash":"${hash}","blockNumber":"0x1"}]`, 'never'],
  ['eth_call', '[{},{"blockNumber":"0x1","blockNumber":"0x2"}]', 'never'],
  ['eth_call', '[{},{"blockNumber":"0x1","BlockNumber":"latest"}]', 'never'],
  ['eth_call', '[{},{"BlockNumber":"0x1"}]', 'never'],
  ['eth_call', '[{},{}]', 'never'],
  ['eth_call', '[{},{"blockNumber":{"blockNumber":"0x1"}}]', 'never'],
  ['eth_call', '[{"data":"0x","note":"],\\"latest\\"","a":[1,{"b":"}"}]} , "0x1" , {}]', 'final 1'],
  ['eth_getBlockByNumber', '["0x1",true]', 'final 1'],
  ['eth_getBlockReceipts', `["${hash}"]`, 'hash'],
  ['eth_getBlockReceipts', `[{"blockHash":"${hash}"}]`, 'hash'],
  ['eth_getBlockByHash', `["${hash}",false]`, 'hash'],
  ['eth_getBlockTransactionCountByHash', `["${hash}"]`, 'head'],
  ['eth_getTransactionReceipt', `["${hash}"]`, 'result'],
  ['eth_feeHistory', '["0x4","0x10",[25]]', 'final 16'],
  ['eth_feeHistory', '["0x4"]', 'never'],
  ['eth_estimateGas', '[{}]', 'never'],
  ['eth_estimateGas', '[{},"latest"]', 'head'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x5a"}]', 'final 90'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x5b"}]', 'head'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x65"}]', 'shared'],
  ['eth_getLogs', '[{"fromBlock":"0x1"}]', 'head'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":null}]', 'head'],
  ['eth_getLogs', '[{"toBlock":"0x10"}]', 'head'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"pending"}]', 'never'],
  ['eth_getLogs', '[{"fromBlock":"pending","toBlock":"0x1"}]', 'never'],
  ['eth_getLogs', `[{"blockHash":"${hash}"}]`, 'hash'],
  ['eth_getLogs', `[{"blockHash":"${hash}","toBlock":"0x1"}]`, 'never'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x2","TOBLOCK":"latest"}]', 'never'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":"0x2","toBloc\u212a":"latest"}]', 'never'],
  ['eth_getLogs', String.raw`[{"fromBlock":"0x1","toBlock":"0x2","toBloc\u006b":"latest"}]`, 'never'],
  ['eth_getLogs', '[{"fromBlock":"0x1","toBlock":{"blockNumber":"0x2"}}]', 'never'],
  ['eth_getLogs', '[]', 'never'],
  ['eth_getLogs', undefined, 'never'],
])('%s %s: %s', (method, params, lifetime) => {
  expect(judge(method, params && Buffer.from(params).toString('latin1'))).toBe(lifetime);
});

const transcripts = fileURLToPath(new URL('../../../shared/data/execution-apis', import.meta.url));

function requestsIn(folder: string): string[] {
  try {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return files
      .filter((file) => file.endsWith('.io'))
      .flatMap((file) => readFileSync(`${folder}/${file}`, 'latin1').split('\n'))
      .filter((line) => line.startsWith('>> '))
      .map((line) => line.slice(3));
  } catch {
    return [];
  }
}

const requests = requestsIn(transcripts);
describe.skipIf(requests.length === 0)(
  requests.length === 0 ? 'the public test data execution-apis is not beside the checkout' : 'execution-apis',
  () => {
    test('every call of a method with a fact is understood as the method says', () => {
      const seen = new Map<string, Set<string>>();
      for (const request of requests) {
        const caller = new Caller(request);
        if (!Object.hasOwn(ethereumFacts, caller.method)) continue;
        const { params } = JSON.parse(request) as { params?: unknown[] };
        const judged = judge(caller.method, params && JSON.stringify(params));
        const of = seen.get(caller.method) ?? new Set();
        seen.set(caller.method, of.add(judged.replace(/ .*/, '')));
        const text = JSON.stringify(params ?? []);
        if (text.includes('pending')) expect(judged).toBe('never');
        if (judged.startsWith('final')) expect(text).toMatch(/"0x[0-9a-f]{1,2}"/);
      }
      expect(seen.size).toBeGreaterThan(20);
      expect(seen.get('eth_getLogs')).toContain('final');
      expect(seen.get('eth_call')).toContain('head');
      expect(seen.get('eth_getBlockByHash')).toEqual(new Set(['hash']));
    });
  },
);
