/**
 * Facts about JSON-RPC methods, as data. They are patterns as the config's own (`*` stands for anything); the config's
 * `methods.unsafe` and `methods.cheap` add to them.
 *
 * Sources: the execution-apis specification, the method lists of geth, Erigon, Nethermind, Reth, Hardhat and Anvil.
 */

/**
 * Methods that change something or read out a cursor, so that running one twice is not the same as once. They are never
 * pipelined, batched or retried. The broad patterns err on the safe side for backends that are not Ethereum's: a method
 * held unsafe without need only loses grouping.
 */
export const unsafeMethods: readonly string[] = [
  'eth_send*',
  'eth_sign*',
  'eth_submit*',
  'eth_resend',
  'eth_cancel*',
  // Filters live in the node: reading changes hands them out once.
  'eth_new*Filter',
  'eth_getFilterChanges',
  'eth_uninstallFilter',
  'eth_subscribe',
  'eth_unsubscribe',
  'admin_*',
  'personal_*',
  'miner_*',
  'engine_*',
  'clique_*',
  'wallet_*',
  'les_*',
  'dev_*',
  'evm_*',
  'anvil_*',
  'hardhat_*',
  'ganache_*',
  'testing_*',
  'mev_send*',
  'debug_set*',
  'debug_start*',
  'debug_stop*',
  'debug_write*',
  'debug_standardTrace*',
  'debug_chaindbCompact',
  'debug_freeOSMemory',
  'debug_gcStats',
  'debug_verbosity',
  'debug_vmodule',
  'debug_cpuProfile',
  'debug_blockProfile',
  'debug_mutexProfile',
  'debug_goTrace',
  'txpool_add*',
  'txpool_remove*',
  // Other backends: verbs that seldom only read.
  '*_send*',
  '*_submit*',
  '*_set*',
  '*_add*',
  '*_create*',
  '*_delete*',
  '*_remove*',
  '*_resend*',
  '*_cancel*',
  '*_update*',
  '*_subscribe',
  '*_unsubscribe',
  'send*',
  'submit*',
];

/** Unsafe methods after which the chain's state is what it was: they hand out, read or sign, and send nothing. */
export const stillMethods: readonly string[] = [
  'eth_new*Filter',
  'eth_getFilterChanges',
  'eth_uninstallFilter',
  'eth_sign*',
  'eth_subscribe',
  'eth_unsubscribe',
  'personal_sign',
  'wallet_*',
];

/** Reads that a broad pattern above takes for something else. */
export const readMethods: readonly string[] = ['eth_createAccessList'];

/**
 * Signed transactions that their hash identifies and is the answer: a node that has one already says so, and a second
 * node may be given it without harm. Not `eth_sendRawTransactionSync`, whose answer is a receipt, and not the private
 * ones, which are meant for one builder.
 */
export const transactionMethods: readonly string[] = [
  'eth_sendRawTransaction',
  'eth_sendRawTransactionConditional',
];

/** Methods of nodes' optional parts, by the names of `lacks`. */
export const optionalParts = { trace: ['trace_*'], debug: ['debug_*'] } as const;

/**
 * Reads with small answers that any node gives in well under a millisecond: they may share one upstream batch, where a
 * slow or large one would hold up its neighbours.
 */
export const cheapMethods: readonly string[] = [
  'eth_blockNumber',
  'eth_chainId',
  'eth_gasPrice',
  'eth_maxPriorityFeePerGas',
  'eth_blobBaseFee',
  'eth_baseFee',
  'eth_getBalance',
  'eth_getTransactionCount',
  'eth_getStorageAt',
  'eth_getCode',
  'eth_call',
  'eth_getTransactionByHash',
  'eth_getTransactionReceipt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getUncleCountByBlockHash',
  'eth_getUncleCountByBlockNumber',
  'eth_syncing',
  'eth_protocolVersion',
  'eth_accounts',
  'eth_coinbase',
  'net_version',
  'net_listening',
  'net_peerCount',
  'web3_clientVersion',
  'web3_sha3',
];

/** Names to try where a config's pattern is checked against real methods: the other reads of the specification. */
export const otherKnownMethods: readonly string[] = [
  'debug_getBadBlocks',
  'debug_getRawBlock',
  'debug_getRawHeader',
  'debug_getRawReceipts',
  'debug_getRawTransaction',
  'debug_traceBlockByHash',
  'debug_traceBlockByNumber',
  'debug_traceCall',
  'debug_traceTransaction',
  'eth_createAccessList',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getFilterChanges',
  'eth_getFilterLogs',
  'eth_getLogs',
  'eth_getProof',
  'eth_newBlockFilter',
  'eth_newFilter',
  'eth_newPendingTransactionFilter',
  'eth_sendRawTransaction',
  'eth_sendTransaction',
  'eth_sign',
  'eth_signTransaction',
  'eth_simulateV1',
  'eth_subscribe',
  'eth_uninstallFilter',
  'eth_unsubscribe',
  'trace_block',
  'trace_call',
  'trace_filter',
  'trace_transaction',
  'txpool_content',
  'txpool_inspect',
  'txpool_status',
];
