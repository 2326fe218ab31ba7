/**
 * What an answer of a method depends on, as data: how long it may be kept follows from that (`lifetime.ts`). A method that
 * is not here is never kept. Parameters count from 0.
 */
export type Fact =
  /** On the chain alone. */
  | { on: 'chain' }
  /** On the head. `forward`: it is a block number, which must not run backwards for a caller, whatever a config says. */
  | { on: 'head'; forward?: true }
  /**
   * On the block that the parameter names: a number, a tag, a hash, or an object (EIP-1898). `absent` says which block a
   * node takes where there is none; `unsure`: not all nodes take the same. `height`: see `hash`.
   */
  | { on: 'block'; parameter: number; absent: 'latest' | 'unsure'; height?: HeightMember }
  /** On the filter's `toBlock`, or on its `blockHash`, in the first parameter. */
  | { on: 'logs' }
  /** On a block named by its hash; `height` is where the result says that block's number, if it does. */
  | { on: 'hash'; height?: HeightMember }
  /** On the block in which the transaction is, which only the result says. */
  | { on: 'result'; height: HeightMember };

/** The member that holds a block's number, of the result or of its first item. */
export type HeightMember = 'number' | 'blockNumber';

const head: Fact = { on: 'head' };
const block = (parameter: number): Fact => ({ on: 'block', parameter, absent: 'latest' });
const blockOrNone = (parameter: number): Fact => ({ on: 'block', parameter, absent: 'unsure' });
const hash: Fact = { on: 'hash' };
const transaction: Fact = { on: 'result', height: 'blockNumber' };

/**
 * Ethereum's methods.
 *
 * Sources: the execution-apis specification (parameters and their defaults, what `earliest` and `pending` mean), EIP-1898
 * (blocks as objects), the debug and trace name spaces as geth, Erigon and Nethermind document them.
 *
 * Left out on purpose:
 * - `eth_syncing`, `net_peerCount`, `web3_clientVersion`, `txpool_*` and the like: of a node, not of the chain.
 * - `debug_traceTransaction`, `trace_transaction`, raw transactions by hash: the answer does not say the block they are in,
 *   or says an unknown transaction as an empty answer.
 * - `eth_simulateV1`, `trace_call`, `trace_filter`: nodes differ in what they take for given.
 * - Filters: cursors in a node.
 */
export const ethereumFacts: Readonly<Record<string, Fact>> = {
  eth_chainId: { on: 'chain' },
  net_version: { on: 'chain' },

  eth_blockNumber: { on: 'head', forward: true },
  eth_gasPrice: head,
  eth_maxPriorityFeePerGas: head,
  eth_baseFee: head,
  eth_blobBaseFee: head,

  eth_getBlockByNumber: block(0),
  eth_getHeaderByNumber: block(0),
  eth_getBlockReceipts: { on: 'block', parameter: 0, absent: 'latest', height: 'blockNumber' },
  eth_getBlockTransactionCountByNumber: block(0),
  eth_getTransactionByBlockNumberAndIndex: block(0),
  eth_getUncleByBlockNumberAndIndex: block(0),
  eth_getUncleCountByBlockNumber: block(0),
  eth_getBalance: block(1),
  eth_getCode: block(1),
  eth_getTransactionCount: block(1),
  eth_getStorageAt: block(2),
  eth_getStorageValues: block(1),
  eth_getProof: block(2),
  eth_call: block(1),
  eth_feeHistory: blockOrNone(1),
  // Without a block some nodes take the pending one.
  eth_estimateGas: blockOrNone(1),
  eth_createAccessList: blockOrNone(1),

  eth_getLogs: { on: 'logs' },

  eth_getBlockByHash: { on: 'hash', height: 'number' },
  eth_getHeaderByHash: { on: 'hash', height: 'number' },
  eth_getTransactionByBlockHashAndIndex: { on: 'hash', height: 'blockNumber' },
  eth_getBlockTransactionCountByHash: hash,
  eth_getUncleCountByBlockHash: hash,
  // An uncle says its own number, not that of the block it is in.
  eth_getUncleByBlockHashAndIndex: hash,

  eth_getTransactionByHash: transaction,
  eth_getTransactionReceipt: transaction,

  debug_getRawBlock: blockOrNone(0),
  debug_getRawHeader: blockOrNone(0),
  debug_getRawReceipts: blockOrNone(0),
  debug_traceBlockByHash: hash,
  debug_traceBlockByNumber: blockOrNone(0),
  debug_traceCall: blockOrNone(1),
  trace_block: blockOrNone(0),
  trace_replayBlockTransactions: blockOrNone(0),
};
