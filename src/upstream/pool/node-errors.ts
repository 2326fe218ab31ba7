/**
 * What a JSON-RPC error says of who is at fault.
 * - `caller`: the call is wrong, or its outcome is this error: any node says the same
 * - `state`: this node lacks the block or its state; another may have it
 * - `method`: the method is missing there
 * - `throttled`: too many calls for this node or its plan
 * - `busy`: it gave up or is syncing; another may not
 * - `internal`: something went wrong, and it does not say what: the node's fault or the call's
 * - `known`: it has this very transaction; `nonce`: a transaction with this nonce, or a later one, is in the chain
 */
export type NodeErrorKind =
  | 'caller'
  | 'state'
  | 'method'
  | 'throttled'
  | 'busy'
  | 'internal'
  | 'known'
  | 'nonce';

interface Rule {
  kind: NodeErrorKind;
  /** Any of these codes, and, where there is one, the text too. */
  codes?: readonly number[];
  /** Global. */
  text?: RegExp;
}

/**
 * Facts, in order: the first that fits holds; what none fits is the caller's. Texts are matched in lower case.
 *
 * What JSON-RPC 2.0 defines goes by its code, whatever the text says: nodes quote the call in it. So does 3, which geth gives
 * to reverts. EIP-1474's -32005 is "request exceeds defined limit": of one query, unless the text speaks of calls over time.
 * -32603 is JSON-RPC's "internal error": nodes give it to faults of their own (a database, an upstream of theirs) as to
 * calls that they cannot run (Nethermind's and go-ethereum's unforeseen exceptions), and where they say no more it is unknown
 * which.
 *
 * Sources: EIP-1474 (codes -32000 to -32006) and EIP-4444 (4444). geth: `core/txpool/errors.go`, `core/error.go`,
 * `trie/errors.go` (missing trie node), `eth/api_backend.go` (header not found), `eth/state_accessor.go` (required historical state
 * unavailable), `core/blockchain_reader.go` (pruned history), `rpc/errors.go` (-32601, -32002 timeout, -32603 panics). Erigon: its
 * `rawdb` and `rpchelper` (block not found, history pruned). Nethermind: `ErrorCodes` and `BlockFinder` (-32001 resource
 * not found, -32002 no state available), `AcceptTxResult`. Reth: `rpc-eth-types/src/error` (-32001 block not found, 4444, proof
 * window). Besu: `RpcErrorType` (unknown block, world state unavailable, known transaction). Of providers: Infura -32005 and
 * 429, Alchemy 429 (compute units) and -32600 (unsupported method), QuickNode -32007 (request limit), Ankr, dRPC and PublicNode
 * by text.
 */
const rules: readonly Rule[] = [
  { kind: 'method', codes: [-32601] },
  // From its beginning: nothing of the call stands before it.
  { kind: 'method', codes: [-32600], text: /^unsupported method\b/g },
  { kind: 'caller', codes: [3, -32602, -32600, -32700] },
  { kind: 'throttled', codes: [429, -32007, -32029] },
  // What ran has run, whatever code it is told under.
  {
    kind: 'caller',
    text: /revert|invalid opcode|out of gas|stack (?:over|under)flow|insufficient funds|underpriced/g,
  },
  // The answer would be too large: told by some as a limit, but of the call.
  {
    kind: 'caller',
    text: /more than \d+ (?:results|logs|blocks)|block range|range (?:is )?too (?:large|wide)|response size|too many (?:results|blocks|logs)/g,
  },
  {
    kind: 'known',
    text: /already known|known transaction|already imported|already in (?:the )?(?:mem)?pool|alreadyknown/g,
  },
  { kind: 'nonce', text: /nonce (?:is )?too low|oldnonce/g },
  {
    kind: 'throttled',
    text: /rate.?limit|too many (?:requests|calls)|request limit|compute units|request count exceeded|capacity (?:limit )?exceeded|throttl|quota exceeded/g,
  },
  {
    kind: 'throttled',
    codes: [-32005],
    text: /\brate\b|per (?:second|minute|day)|\/ ?s(?:ec(?:ond)?)?\b|credits?\b|daily|monthly|requests\b|quota|back ?off/g,
  },
  { kind: 'caller', codes: [-32005] },
  {
    kind: 'state',
    text: /missing trie node|header not found|block not found|unknown block|header for hash not found|block #?\S+ not found/g,
  },
  {
    kind: 'state',
    text: /historical state|state (?:is |at \S+ is |for \S+ is )?(?:not |un)available|no state available|\bpruned\b|pruning|proof window|archive (?:node|state|request|data)|missing historical/g,
  },
  { kind: 'state', codes: [4444] },
  { kind: 'method', codes: [-32004] },
  {
    kind: 'method',
    text: /method (?:\S+ )?(?:is )?(?:not (?:found|supported|available|whitelisted|allowed)|does not exist)|unsupported method/g,
  },
  { kind: 'busy', text: /\bsyncing\b|not (?:yet )?synced|sync in progress/g },
  { kind: 'caller', codes: [-32003] },
  // A call that ran into the node's own bound on its cost would do so elsewhere: geth's `execution aborted (timeout = 5s)`.
  { kind: 'caller', text: /execution (?:aborted|timeout)/g },
  { kind: 'busy', codes: [-32002] },
  {
    kind: 'busy',
    codes: [-32603, -32000],
    text: /timed? ?out|resource (?:temporarily )?unavailable|temporar(?:y|ily)|overloaded|service unavailable|bad gateway|connection (?:refused|reset|closed)/g,
  },
  { kind: 'internal', codes: [-32603], text: /^(?:internal (?:server |json-?rpc )?error)?[.!]?$/g },
];

/**
 * Only the error's message counts, and of it nothing that the call says itself: callers choose the words that a node
 * quotes.
 *
 * @param text the error object as JSON text
 * @param callText the call's
 */
export function nodeErrorKind(code: number, text: string, callText = ''): NodeErrorKind {
  const message = messageOf(text);
  let own: string | null = null;
  const says = (pattern: RegExp): boolean => {
    for (const [found] of message.matchAll(pattern)) {
      own ??= ownWords(callText);
      if (found === '' || !own.includes(found)) return true;
    }
    return false;
  };
  for (const rule of rules) {
    if (rule.codes !== undefined && !rule.codes.includes(code)) continue;
    if (rule.text !== undefined && !says(rule.text)) continue;
    return rule.kind;
  }
  return 'caller';
}

/** In lower case; '' where there is none. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message.toLowerCase() : '';
  } catch {
    return '';
  }
}

/** The call as a node has read it: without escapes, in lower case. */
function ownWords(callText: string): string {
  if (!callText.includes('\\')) return callText.toLowerCase();
  try {
    return JSON.stringify(JSON.parse(callText)).toLowerCase();
  } catch {
    return callText.toLowerCase();
  }
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
