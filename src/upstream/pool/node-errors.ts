/**
 * What a JSON-RPC error says of who is at fault.
 * - `caller`: the call is wrong, or its outcome is this error: any node says the same
 * - `state`: this node lacks the block or its state; another may have it
 * - `method`: the method is missing there
 * - `throttled`: too many calls for this node or its plan
 * - `busy`: it gave up or is syncing; another may not
 * - `known`: it has this very transaction, or one with its nonce
 */
export type NodeErrorKind = 'caller' | 'state' | 'method' | 'throttled' | 'busy' | 'known';

interface Rule {
  kind: NodeErrorKind;
  /** Any of these codes, and, where there is one, the text too. */
  codes?: readonly number[];
  text?: RegExp;
}

/**
 * Facts, in order: the first that fits holds; what none fits is the caller's. Texts are matched in lower case.
 *
 * Sources: EIP-1474 (codes -32000 to -32006) and EIP-4444 (4444). geth: `core/txpool/errors.go`, `core/error.go`,
 * `trie/errors.go` (missing trie node), `eth/api_backend.go` (header not found), `eth/state_accessor.go` (required historical state
 * unavailable), `core/blockchain_reader.go` (pruned history), `rpc/errors.go` (-32601, -32002 timeout). Erigon: its
 * `rawdb` and `rpchelper` (block not found, history pruned). Nethermind: `ErrorCodes` and `BlockFinder` (-32001 resource
 * not found, -32002 no state available), `AcceptTxResult`. Reth: `rpc-eth-types/src/error` (-32001 block not found, 4444, proof
 * window). Besu: `RpcErrorType` (unknown block, world state unavailable, known transaction). Of providers: Infura -32005 and
 * 429, Alchemy 429 (compute units), QuickNode -32007 (request limit), Ankr, dRPC and PublicNode by text.
 */
const rules: readonly Rule[] = [
  // What ran has run, whatever code it is told under.
  { kind: 'caller', codes: [3] },
  { kind: 'caller', text: /revert|invalid opcode|out of gas|stack (?:over|under)flow|insufficient funds/ },
  // The answer would be too large: told by some as a limit, but of the call.
  {
    kind: 'caller',
    text: /more than \d+ results|block range|range (?:is )?too (?:large|wide)|response size|too many (?:results|blocks)/,
  },
  {
    kind: 'known',
    text: /already known|known transaction|already imported|already in (?:the )?(?:mem)?pool|nonce (?:is )?too low|oldnonce|alreadyknown/,
  },
  { kind: 'throttled', codes: [429, -32005, -32007, -32029] },
  {
    kind: 'throttled',
    text: /rate.?limit|too many requests|request limit|compute units|request count exceeded|capacity (?:limit )?exceeded|throttl|quota exceeded/,
  },
  {
    kind: 'state',
    text: /missing trie node|header not found|block not found|unknown block|header for hash not found|block #?\S+ not found/,
  },
  {
    kind: 'state',
    text: /historical state|state (?:is |at \S+ is |for \S+ is )?(?:not |un)available|no state available|\bpruned\b|pruning|proof window|archive (?:node|state|request|data)|missing historical/,
  },
  { kind: 'state', codes: [4444] },
  { kind: 'method', codes: [-32601, -32004] },
  {
    kind: 'method',
    text: /method (?:\S+ )?(?:is )?(?:not (?:found|supported|available|whitelisted|allowed)|does not exist)|unsupported method/,
  },
  { kind: 'busy', text: /\bsyncing\b|not (?:yet )?synced|sync in progress/ },
  { kind: 'caller', codes: [-32602, -32600, -32700, -32003] },
  // A call that ran into the node's own bound on its cost would do so elsewhere: geth's `execution aborted (timeout = 5s)`.
  { kind: 'caller', text: /execution (?:aborted|timeout)/ },
  { kind: 'busy', codes: [-32002] },
  {
    kind: 'busy',
    codes: [-32603, -32000],
    text: /timed? ?out|resource (?:temporarily )?unavailable|temporar(?:y|ily)|overloaded|service unavailable|bad gateway|connection (?:refused|reset|closed)/,
  },
];

/** @param text the error object as JSON text */
export function nodeErrorKind(code: number, text: string): NodeErrorKind {
  const lower = text.toLowerCase();
  for (const rule of rules) {
    if (rule.codes !== undefined && !rule.codes.includes(code)) continue;
    if (rule.text !== undefined && !rule.text.test(lower)) continue;
    return rule.kind;
  }
  return 'caller';
}

/** A quantity short enough for a block's number, as the last param or under `blockNumber` or `toBlock`. */
const blockParam =
  /(?:"(?:blockNumber|toBlock)"\s*:\s*|[,[]\s*)"0x([0-9a-fA-F]{1,13})"\s*(?:[,}]|\](?=[^[\]]*$))/g;

/**
 * Number of the block that a call asks about, as far as its text shows it; undefined for a tag, a hash, or none. Where it is
 * beyond the network's head no node has it, and "block not found" is the caller's answer.
 */
export function blockAsked(text: string): number | undefined {
  let last: string | undefined;
  for (const found of text.matchAll(blockParam)) last = found[1];
  return last === undefined ? undefined : Number.parseInt(last, 16);
}
