import { type Block, blockOf, quantity } from './block.ts';
import type { Node, Told } from './node.ts';

/** Why a check was not good; keys of `healthReasons`. */
export type BadReason = 'unreachable' | 'wrongChain' | 'syncing' | 'wrongAnswer';

/** What one check of an upstream brought. */
export type Finding =
  | {
      kind: 'good';
      /** null where the chain has no blocks that we understand. */
      tip: Block | null;
      /** The highest block it knows of while it syncs (Infinity where it does not say); null: it does not sync. */
      syncingTo: number | null;
      /** null: not asked this time. */
      chainId: number | null;
    }
  | {
      kind: 'bad';
      reason: BadReason;
      /** For logs: nothing that the node wrote. */
      detail: string;
      /** It refused or cut the connection: asking again costs next to nothing. */
      cheap: boolean;
    }
  /** It lives but would not say: it asked us to slow down. Tells neither for nor against it. */
  | { kind: 'unclear' };

/**
 * What is asked of every Ethereum node. All at once, so that the check takes no longer than its slowest answer; but where
 * its latest block is not `familiar` the chain id is asked for after it, if it was not before.
 */
export async function checkEthereum(
  node: Node,
  withChainId: boolean,
  familiar: (tip: Block) => boolean,
): Promise<Finding> {
  const [latest, syncing, beside] = await Promise.all([
    node.ask('eth_getBlockByNumber', '["latest",false]'),
    node.ask('eth_syncing', '[]'),
    withChainId ? node.ask('eth_chainId', '[]') : null,
  ]);
  const trouble = troubleOf(latest, 'eth_getBlockByNumber');
  if (trouble) return trouble;
  // Some providers do not offer eth_syncing: then it says nothing.
  if (syncing.kind === 'failed') return failed(syncing);
  const tip = latest.kind === 'result' ? blockOf(latest.value) : undefined;
  if (!tip) return wrongAnswer('eth_getBlockByNumber brought no block');
  const chain = beside ?? (familiar(tip) ? null : await node.ask('eth_chainId', '[]'));
  const chainTrouble = chain && troubleOf(chain, 'eth_chainId');
  if (chainTrouble) return chainTrouble;
  const chainId = chain?.kind === 'result' ? quantity(chain.value) : null;
  if (chainId === undefined) return wrongAnswer('eth_chainId brought no number');
  const syncingTo = syncing.kind === 'result' ? syncTarget(syncing.value) : null;
  return { kind: 'good', tip, syncingTo, chainId };
}

/** Where a call of the operator's stands in for Ethereum's: it must bring a result. */
export async function checkCall(node: Node, call: { method: string; params: string }): Promise<Finding> {
  const told = await node.ask(call.method, call.params);
  return troubleOf(told, call.method) ?? { kind: 'good', tip: null, syncingTo: null, chainId: null };
}

function troubleOf(told: Told, method: string): Finding | null {
  if (told.kind === 'failed') return failed(told);
  if (told.kind === 'result') return null;
  return told.throttled ? { kind: 'unclear' } : wrongAnswer(`${method} brought error ${told.code}`);
}

/** Of no answer, or of one that is not JSON-RPC. */
function failed({ failure, reason }: Told & { kind: 'failed' }): Finding {
  // 429, or 503 with Retry-After.
  if (failure === 'throttled') return { kind: 'unclear' };
  if (failure === 'answer' || failure === 'oversized' || failure === 'http') return wrongAnswer(reason);
  const cheap = failure === 'connect' || failure === 'reset';
  return { kind: 'bad', reason: 'unreachable', detail: reason, cheap };
}

function wrongAnswer(detail: string): Finding {
  return { kind: 'bad', reason: 'wrongAnswer', detail, cheap: false };
}

function syncTarget(value: unknown): number | null {
  if (value === false || value === null || value === undefined) return null;
  const { highestBlock } = value as { highestBlock?: unknown };
  return quantity(highestBlock) ?? Number.POSITIVE_INFINITY;
}
