/** One block; what it says depends on its hash, so that no two blocks answer alike. */
export interface ModelBlock {
  number: number;
  hash: string;
  transaction: string;
}

/** A chain from its first block on, as a node has it. */
export type Blocks = readonly ModelBlock[];

const FINALITY_DEPTH = 3;

const finalizedOf = (blocks: Blocks): number => Math.max(0, blocks.length - 1 - FINALITY_DEPTH);
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What a node with these blocks says, as JSON text. */
export function answerOf(blocks: Blocks, method: string, params: unknown[]): string {
  const head = blocks.at(-1)!;
  const named = (block: unknown): ModelBlock | undefined => {
    if (block === undefined || block === 'latest') return head;
    if (block === 'finalized') return blocks[finalizedOf(blocks)];
    if (typeof block === 'object')
      return blocks.find(({ hash }) => hash === (block as { blockHash: string }).blockHash);
    return (block as string).length === 66
      ? blocks.find(({ hash }) => hash === block)
      : blocks[Number.parseInt(block as string, 16)];
  };
  const whole = (block: ModelBlock | undefined): string =>
    block ? JSON.stringify({ number: hex(block.number), hash: block.hash }) : 'null';
  switch (method) {
    case 'eth_chainId':
      return '"0x1"';
    case 'eth_blockNumber':
      return JSON.stringify(hex(head.number));
    case 'eth_getBlockByNumber':
    case 'eth_getBlockByHash':
      return whole(named(params[0]));
    case 'eth_getBlockTransactionCountByHash': {
      const block = named(params[0]);
      return block ? JSON.stringify(`one in ${block.hash}`) : 'null';
    }
    case 'eth_getBlockReceipts': {
      const block = named(params[0]);
      return block
        ? JSON.stringify([{ transactionHash: block.transaction, blockNumber: hex(block.number) }])
        : 'null';
    }
    case 'eth_getTransactionReceipt': {
      const block = blocks.find(({ transaction }) => transaction === params[0]);
      return block
        ? JSON.stringify({ logs: [{ a: 1 }], blockHash: block.hash, blockNumber: hex(block.number) })
        : 'null';
    }
    case 'eth_getBalance': {
      // The worst a node without the state can do: no error, but nothing.
      const block = named(params[1]);
      return JSON.stringify(block ? `${String(params[0])} at ${block.hash}` : '0x0');
    }
    case 'eth_getLogs': {
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock?: string };
      const last = named(toBlock)?.number ?? head.number;
      return JSON.stringify(
        blocks.slice(Number.parseInt(fromBlock, 16), last + 1).map(({ hash }) => ({ blockHash: hash })),
      );
    }
    default:
      throw new Error(method);
  }
}

/** The canonical chain with all its past. */
export class ModelChain {
  private made = 0;
  /** Each state it was in, with the time from which it was. */
  readonly versions: { blocks: Blocks; at: number }[] = [];

  constructor(at: number) {
    this.become([this.block(0)], at);
    this.extend(5, at);
  }

  get blocks(): Blocks {
    return this.versions.at(-1)!.blocks;
  }

  get head(): number {
    return this.blocks.length - 1;
  }

  get finalized(): number {
    return finalizedOf(this.blocks);
  }

  /** Block by block, so that a node that is behind has what the chain once was. */
  extend(count: number, at: number): void {
    for (let index = 0; index < count; index++)
      this.become([...this.blocks, this.block(this.blocks.length)], at);
  }

  /** The last `depth` blocks go, and `count` others come. */
  reorg(depth: number, count: number, at: number): void {
    this.become(this.blocks.slice(0, Math.max(1, this.blocks.length - depth)), at);
    this.extend(count, at);
  }

  private become(blocks: Blocks, at: number): void {
    this.versions.push({ blocks, at });
  }

  private block(number: number): ModelBlock {
    const name = (++this.made).toString(16);
    return { number, hash: `0x${name.padStart(64, '0')}`, transaction: `0x${name.padStart(64, 'e')}` };
  }
}
