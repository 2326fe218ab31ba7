import { keccak256 } from 'viem';
import { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import { type FakeUpstream, type ReceivedCall, startFakeUpstream, type Vice } from '../fakes/upstream.ts';

/** A node of a growing chain, that can be killed, be late and misbehave in every way. */
export interface SoakNode {
  readonly url: string;
  behave(vice: Vice): void;
  /** Answers so late from now on, in milliseconds. */
  beLate(ms: number): void;
  /** Cuts all connections, with a reset if asked, and goes on. */
  drop(reset: boolean): void;
  /** Listens no more. */
  kill(): Promise<void>;
  /** On the same port. */
  revive(): Promise<void>;
}

export interface SoakNodes extends AsyncDisposable {
  readonly chain: BlockChain;
  readonly nodes: readonly SoakNode[];
  /** Calls that must not run twice, and reached nodes more than once. */
  twice(): string[];
}

/** Calls of these are never to be sent again. */
const once = new Set(['eth_sendTransaction']);
const BLOCK_MS = 400;

/** Some nodes of one chain, which has a new block each 400 ms. */
export async function startSoakNodes(count = 2): Promise<SoakNodes> {
  const chain = new BlockChain(80);
  const times = new Map<string, number>();
  const nodes = await Promise.all(Array.from({ length: count }, () => startSoakNode(chain, noteOnce)));

  function noteOnce({ method, params }: ReceivedCall): void {
    if (!once.has(method)) return;
    const text = JSON.stringify(params);
    times.set(text, 1 + (times.get(text) ?? 0));
  }

  const growing = setInterval(() => {
    chain.grow(1);
  }, BLOCK_MS);
  return {
    chain,
    nodes,
    twice: () => [...times].filter(([, asked]) => asked > 1).map(([text]) => text),
    async [Symbol.asyncDispose]() {
      clearInterval(growing);
      await Promise.all(nodes.map((node) => node.kill()));
    },
  };
}

async function startSoakNode(chain: BlockChain, note: (call: ReceivedCall) => void): Promise<SoakNode> {
  let upstream: FakeUpstream | undefined;
  let port = 0;
  const revive = async (): Promise<void> => {
    const answer = (call: ReceivedCall): string => {
      note(call);
      return resultOf(call, chain);
    };
    upstream ??= await startFakeUpstream({ port, answer });
    port = upstream.port;
  };
  // What a node remembers of a long run is too much.
  const forgetting = setInterval(() => upstream?.forget(), 1000);
  await revive();
  return {
    url: `http://127.0.0.1:${port}/`,
    behave: (vice) => upstream?.behave(vice),
    beLate(ms) {
      const late: Vice = {
        request: (x) => void setTimeout(() => x.socket.destroyed || x.send(x.http()), ms),
      };
      upstream?.behave(ms === 0 ? {} : late);
    },
    drop: (reset) => upstream?.drop(reset),
    revive: async () => {
      await revive();
      forgetting.refresh();
    },
    async kill() {
      const closing = upstream;
      upstream = undefined;
      await closing?.close();
      if (closing === undefined) clearInterval(forgetting);
      else forgetting.unref();
    },
  };
}

function resultOf({ method, params }: ReceivedCall, chain: BlockChain): string {
  const { blocks, tip } = chain;
  const [first] = params;
  const result = (value: unknown): string => `"result":${JSON.stringify(value)}`;
  switch (method) {
    case 'eth_chainId':
      return result('0x1');
    case 'eth_syncing':
      return result(false);
    case 'eth_blockNumber':
      return result(`0x${tip.head.number.toString(16)}`);
    case 'eth_getBlockByNumber':
      return result(blockOf(String(first), chain));
    case 'eth_getBlockByHash':
      return result(chain.byHash(String(first))?.block ?? null);
    case 'eth_getLogs': {
      const { blockHash } = first as { blockHash?: string };
      return result(blockHash === undefined ? first : (chain.byHash(blockHash)?.logs ?? []));
    }
    case 'eth_sendRawTransaction':
      return result(keccak256(first as `0x${string}`));
    case 'eth_estimateGas':
      return `"error":{"code":3,"message":"execution reverted","data":${JSON.stringify(first)}}`;
    default:
      return result(first ?? null);
  }

  function blockOf(tag: string, of: BlockChain): object | null {
    if (tag === 'latest') return of.tip.block;
    if (tag === 'finalized' || tag === 'safe') return blocks[Math.max(0, blocks.length - 65)]!.block;
    return blocks[Number(tag)]?.block ?? null;
  }
}
