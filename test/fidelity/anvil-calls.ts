import { accounts } from '../anvil.ts';
import { abi, bytecode } from '../clients/contract.ts';
import { privateKeyToAccount } from 'viem/accounts';
import { encodeFunctionData, getContractAddress } from 'viem';

const { alice, bob } = accounts;
const contract = getContractAddress({ from: alice.address, nonce: 0n });
const call = (functionName: 'answer' | 'forbidden') =>
  JSON.stringify({ to: contract, data: encodeFunctionData({ abi, functionName }) });

/** Signed calls that make a chain worth asking about: a contract, a transfer, a transaction that fails. */
export async function chainOf(): Promise<string[]> {
  const account = privateKeyToAccount(alice.privateKey);
  const shared = {
    chainId: 31337,
    gas: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 10n ** 9n,
  } as const;
  const transactions = [
    { ...shared, nonce: 0, data: bytecode },
    { ...shared, nonce: 1, to: bob.address, value: 12_345n },
    { ...shared, nonce: 2, to: contract, data: encodeFunctionData({ abi, functionName: 'forbidden' }) },
  ];
  return Promise.all(transactions.map((transaction) => account.signTransaction(transaction)));
}

/**
 * Questions to a chain that `chainOf` made, as JSON-RPC bodies without change: ids of all kinds that anvil takes, params
 * with white space, escapes and none at all, answers with results of every type, the node's own errors, a revert's data.
 */
export function questions(hashes: readonly string[]): string[] {
  const ask = (id: string, method: string, params?: string): string =>
    `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params === undefined ? '' : `,"params":${params}`}}`;
  return [
    ask('1', 'eth_chainId'),
    ask('2', 'eth_chainId', '[]'),
    ask('"three"', 'web3_clientVersion', '[ ]'),
    ask('4', 'net_version', '[]'),
    ask('5', 'eth_blockNumber', '[]'),
    ask('6', 'eth_accounts', '[]'),
    ask('7', 'eth_syncing', '[]'),
    ask('9007199254740991', 'eth_gasPrice', '[]'),
    ask('0', 'eth_maxPriorityFeePerGas', '[]'),
    ask('"ü€😀"', 'eth_feeHistory', '["0x2", "latest", [25, 75]]'),
    ask('10', 'eth_getBalance', `["${alice.address}", "0x0"]`),
    ask('11', 'eth_getBalance', `["${bob.address}",\t"latest"]`),
    ask('12', 'eth_getTransactionCount', `["${alice.address}","latest"]`),
    ask('13', 'eth_getCode', `["${contract}","latest"]`),
    ask('14', 'eth_getStorageAt', `["${contract}","0x0","latest"]`),
    ask('15', 'eth_call', `[${call('answer')},"latest"]`),
    ask('16', 'eth_call', `[${call('forbidden')},"latest"]`),
    ask('17', 'eth_estimateGas', `[${call('answer')}]`),
    ask('18', 'eth_estimateGas', `[${call('forbidden')}]`),
    ask('19', 'eth_createAccessList', `[${call('answer')},"latest"]`),
    ...['"0x0"', '"0x1"', '"0x2"', '"0x3"', '"0x99"', '"earliest"'].flatMap((block, index) => [
      ask(`2${index}`, 'eth_getBlockByNumber', `[${block},false]`),
      ask(`3${index}`, 'eth_getBlockByNumber', `[${block},true]`),
      ask(`4${index}`, 'eth_getBlockReceipts', `[${block}]`),
      ask(`5${index}`, 'eth_getBlockTransactionCountByNumber', `[${block}]`),
    ]),
    ...hashes.flatMap((hash, index) => [
      ask(`6${index}`, 'eth_getTransactionByHash', `["${hash}"]`),
      ask(`7${index}`, 'eth_getTransactionReceipt', `["${hash}"]`),
      ask(`8${index}`, 'debug_traceTransaction', `["${hash}"]`),
      ask(`9${index}`, 'trace_transaction', `["${hash}"]`),
    ]),
    ask('100', 'eth_getTransactionByHash', `["0x${'0'.repeat(64)}"]`),
    ask('101', 'eth_getTransactionByBlockNumberAndIndex', '["0x1","0x0"]'),
    ask('102', 'eth_getTransactionByBlockNumberAndIndex', '["0x1","0x7"]'),
    ask('103', 'eth_getUncleCountByBlockNumber', '["0x1"]'),
    ask('104', 'eth_getLogs', '[{"fromBlock":"0x0","toBlock":"latest"}]'),
    ask('105', 'eth_getLogs', '[{"fromBlock":"0x5","toBlock":"0x1"}]'),
    ask('106', 'eth_getProof', `["${contract}",["0x0"],"latest"]`),
    ask('107', 'trace_block', '["0x1"]'),
    ask('108', 'txpool_status'),
    ask('109', 'txpool_content', '[]'),
    ask('110', 'web3_sha3', '["0x68656c6c6f"]'),
    ask('111', 'eth_sign', `["${bob.address}","0x00"]`),
    ask('112', 'eth_thereIsNone', '[]'),
    ask('113', 'eth_getBalance', '[]'),
    ask('114', 'eth_getBalance', '["not an address","latest"]'),
    ask('115', 'eth_call', '[{"to":"\\u0030x00"},"latest"]'),
    ask('116', 'eth_sendRawTransaction', '["0x00"]'),
    ask('117', 'eth_getBlockByHash', `["0x${'1'.repeat(64)}",true]`),
  ];
}
