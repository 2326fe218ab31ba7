/**
 * Method names that have a counter of their own: the Ethereum JSON-RPC methods that callers use. Metrics need
 * a short, fixed list, since callers make names up and every name kept is memory and a time series; all else
 * counts as `other`.
 */
export const wellKnownMethods: readonly string[] = [
  'eth_accounts',
  'eth_blobBaseFee',
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_coinbase',
  'eth_createAccessList',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getFilterChanges',
  'eth_getFilterLogs',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_getUncleByBlockHashAndIndex',
  'eth_getUncleByBlockNumberAndIndex',
  'eth_getUncleCountByBlockHash',
  'eth_getUncleCountByBlockNumber',
  'eth_maxPriorityFeePerGas',
  'eth_newBlockFilter',
  'eth_newFilter',
  'eth_newPendingTransactionFilter',
  'eth_protocolVersion',
  'eth_sendRawTransaction',
  'eth_sendTransaction',
  'eth_sign',
  'eth_signTransaction',
  'eth_simulateV1',
  'eth_subscribe',
  'eth_syncing',
  'eth_uninstallFilter',
  'eth_unsubscribe',
  'net_listening',
  'net_peerCount',
  'net_version',
  'web3_clientVersion',
  'web3_sha3',
  'debug_getRawBlock',
  'debug_getRawHeader',
  'debug_getRawReceipts',
  'debug_getRawTransaction',
  'debug_storageRangeAt',
  'debug_traceBlockByHash',
  'debug_traceBlockByNumber',
  'debug_traceCall',
  'debug_traceTransaction',
  'trace_block',
  'trace_call',
  'trace_callMany',
  'trace_filter',
  'trace_get',
  'trace_rawTransaction',
  'trace_replayBlockTransactions',
  'trace_replayTransaction',
  'trace_transaction',
  'txpool_content',
  'txpool_contentFrom',
  'txpool_inspect',
  'txpool_status',
];

/** How many numbers there are, `other` included. */
export const methodNumberCount = 128;

/**
 * Numbers for method names. Every thread that writes or reads the slabs of one process must make it of the
 * same list, in the same order.
 */
export interface MethodNumbers {
  /** 1 to 127 for a name on the list, 0 (`other`) for any other. */
  numberOf(name: string): number;
  /** Names by number; 0 is `other`. */
  readonly names: readonly string[];
}

/**
 * `extra`: further names, such as those the configuration at start names in full; those beyond 127 in all
 * count as `other`.
 */
export function createMethodNumbers(extra: Iterable<string> = []): MethodNumbers {
  const names = ['other', ...new Set([...wellKnownMethods, ...extra])].slice(0, methodNumberCount);
  const numbers = new Map(names.map((name, number) => [name, number]));
  // A caller may call a method `other`.
  numbers.delete('other');
  return { names, numberOf: (name) => numbers.get(name) ?? 0 };
}
