import { keccak256 } from 'viem';
import { type FakeOptions, type FakeUpstream, type ReceivedCall, startFakeUpstream } from './upstream.ts';

/** The chain a fake node tells of. Each member may be changed while it runs. */
export interface FakeChain {
  id: number;
  head: number;
  /** Blocks it is behind `head`. */
  lag: number;
  syncing: boolean;
  /** Part of every hash from block `forkedAt` on: another fork, other hashes. */
  fork: string;
  forkedAt: number;
}

export interface FakeNode extends FakeUpstream {
  readonly chain: FakeChain;
  /** Calls received of this method. */
  received(method: string): ReceivedCall[];
}

/**
 * A fake Ethereum node: it knows its chain's numbers, hashes and head. `eth_call` gives back its `data`,
 * `eth_sendRawTransaction` the transaction's hash, any other method its first param. Several may tell of one `chain`.
 */
export async function startFakeNode(
  options: Omit<FakeOptions, 'answer'> & { chain?: Partial<FakeChain> } = {},
): Promise<FakeNode> {
  const chain = { id: 1, head: 100, lag: 0, syncing: false, fork: '', forkedAt: 0, ...options.chain };
  const node = await startFakeUpstream({
    ...options,
    answer: (call) => `"result":${JSON.stringify(resultOf(call, chain))}`,
  });
  const received = (method: string): ReceivedCall[] => node.calls.filter((call) => call.method === method);
  return Object.defineProperties({ chain, received }, Object.getOwnPropertyDescriptors(node)) as FakeNode;
}

function resultOf({ method, params }: ReceivedCall, chain: FakeChain): unknown {
  const head = chain.head - chain.lag;
  const [first] = params;
  switch (method) {
    case 'eth_chainId':
      return hex(chain.id);
    case 'net_version':
      return String(chain.id);
    case 'eth_blockNumber':
      return hex(head);
    case 'eth_syncing':
      return chain.syncing
        ? { startingBlock: '0x0', currentBlock: hex(head), highestBlock: hex(head + 1e6) }
        : false;
    case 'eth_getBlockByNumber': {
      const number =
        typeof first === 'string' && first.startsWith('0x') ? Number(first) : head - depthOf(first);
      return number > head || number < 0 ? null : blockOf(number, chain);
    }
    case 'eth_sendRawTransaction':
      return keccak256(first as `0x${string}`);
    case 'eth_call':
      return (first as { data?: string }).data ?? null;
    default:
      return first ?? null;
  }
}

/** How far below the head a tag is. */
function depthOf(tag: unknown): number {
  return tag === 'finalized' ? 64 : tag === 'safe' ? 32 : 0;
}

/** Of a block; the same on every node that tells of the same fork. */
export function hashOf(number: number, { id, fork, forkedAt }: FakeChain): string {
  return keccak256(Buffer.from(`${id} ${number} ${number >= forkedAt ? fork : ''}`));
}

function blockOf(number: number, chain: FakeChain): object {
  return {
    number: hex(number),
    hash: hashOf(number, chain),
    parentHash: number === 0 ? `0x${'0'.repeat(64)}` : hashOf(number - 1, chain),
    timestamp: hex(1_700_000_000 + number * 12),
    transactions: [],
  };
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
