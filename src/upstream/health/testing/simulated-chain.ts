import { createHash } from 'node:crypto';
import type { Block } from '../block.ts';
import type { ChainSource } from '../chain-source.ts';

const KNOWN_FINALIZED = 8;

/** A chain that grows and forks. The same number and parent with another `salt` is another block. */
export class SimulatedChain {
  blocks: Block[] = [blockAfter(undefined, 'genesis')];

  get head(): Block {
    return this.blocks.at(-1)!;
  }

  grow(count: number, salt = ''): void {
    for (let i = 0; i < count; i++) this.blocks.push(blockAfter(this.head, salt));
  }

  /** Replaces the last `depth` blocks, never the genesis block, by `length` others. */
  fork(depth: number, length: number, salt: string): void {
    this.blocks.length = Math.max(1, this.blocks.length - depth);
    this.grow(length, salt);
  }
}

/** A node that says its latest block is that of `lag` blocks ago; what it once had it keeps. */
export class SimulatedNode implements ChainSource {
  readonly name: string;
  chain: SimulatedChain;
  lag = 0;
  /** Does not answer questions. */
  deaf = false;
  /** How often it was asked. */
  asked = 0;
  private reach = 0;

  constructor(name: string, chain: SimulatedChain) {
    this.name = name;
    this.chain = chain;
  }

  get tip(): Block {
    const { blocks } = this.chain;
    const tip = blocks[Math.max(0, blocks.length - 1 - this.lag)]!;
    this.reach = Math.max(this.reach, tip.number);
    return tip;
  }

  blockAt(which: number | 'finalized'): Promise<Block | null | undefined> {
    this.asked++;
    if (this.deaf) return Promise.resolve(undefined);
    const number = which === 'finalized' ? Math.max(0, this.tip.number - KNOWN_FINALIZED) : which;
    const known = number <= Math.max(this.reach, this.tip.number);
    return Promise.resolve((known && this.chain.blocks[number]) || null);
  }
}

/** A block that is on nobody's chain. */
export function inventedBlock(number: number, salt: string): Block {
  return {
    number,
    hash: hashOf(`invented ${number} ${salt}`),
    parentHash: hashOf(`before ${number} ${salt}`),
  };
}

function blockAfter(parent: Block | undefined, salt: string): Block {
  const number = parent === undefined ? 0 : parent.number + 1;
  const parentHash = parent?.hash ?? hashOf('nothing');
  return { number, parentHash, hash: hashOf(`${parentHash} ${number} ${salt}`) };
}

function hashOf(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`;
}
