import { createHash } from 'node:crypto';
import { bloomBits } from '../bloom.ts';
import { type Head, readHead } from '../head.ts';

/** A log of a simulated block, as a node writes it. */
export interface ChainLog {
  address: string;
  topics: string[];
  blockHash: string;
  blockNumber: string;
  logIndex: string;
  removed: boolean;
}

export interface ChainBlock {
  head: Head;
  /** As `eth_getBlockBy…` answers. */
  block: object;
  logs: ChainLog[];
}

const hashOf = (text: string): string => `0x${createHash('sha256').update(text).digest('hex')}`;

/** Addresses of contracts that log. */
export const contracts = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}`);
export const transferTopic = hashOf('transfer');

/** A chain that grows and forks, with logs in its blocks. */
export class BlockChain {
  readonly blocks: ChainBlock[] = [];
  /** Every block there ever was: nodes remember those they left. */
  private readonly all = new Map<string, ChainBlock>();
  private salt = 0;

  constructor(length = 1) {
    this.grow(length);
  }

  get tip(): ChainBlock {
    return this.blocks.at(-1)!;
  }

  grow(count: number): void {
    for (let k = 0; k < count; k++) this.add(`main ${this.salt}`);
  }

  /** Replaces the last `depth` blocks, never the first, by `length` others. */
  fork(depth: number, length: number): void {
    this.blocks.length = Math.max(1, this.blocks.length - depth);
    this.salt++;
    this.grow(length);
  }

  byHash(hash: string): ChainBlock | undefined {
    return this.all.get(hash);
  }

  private add(salt: string): void {
    const parent = this.blocks.at(-1)?.head;
    const number = parent === undefined ? 0 : parent.number + 1;
    const parentHash = parent?.hash ?? hashOf('nothing');
    const hash = hashOf(`${parentHash} ${number} ${salt}`);
    const logs = contracts
      .filter((_, k) => Number.parseInt(hash.slice(2 + k, 3 + k), 16) % 3 === 0)
      .map((address, k): ChainLog => {
        const place = { blockHash: hash, blockNumber: `0x${number.toString(16)}`, logIndex: `0x${k}` };
        return { address, topics: [transferTopic], ...place, removed: false };
      });
    const bloom = new Uint8Array(256);
    for (const { address, topics } of logs)
      for (const value of [address, ...topics]) {
        const { bytes, masks } = bloomBits(value);
        bytes.forEach((at, k) => (bloom[at]! |= masks[k]!));
      }
    const block = {
      number: `0x${number.toString(16)}`,
      hash,
      parentHash,
      logsBloom: `0x${Buffer.from(bloom).toString('hex')}`,
      transactions: [],
      uncles: [],
      size: '0x1',
    };
    const made = { block, logs, head: readHead(block)! };
    this.blocks.push(made);
    this.all.set(hash, made);
  }
}

/** What a subscriber of heads made of what it was told: each is put behind its parent, in place of whatever stood there. */
export class HeadListener {
  readonly chain: { hash: string; parentHash: string; number: string }[] = [];

  /** Throws where there is a gap or a block twice. */
  hear(text: string): void {
    const head = JSON.parse(text) as { hash: string; parentHash: string; number: string };
    if (this.chain.length > 0) {
      if (this.chain.some(({ hash }) => hash === head.hash)) throw new Error(`told twice: ${head.number}`);
      const parent = this.chain.findIndex(({ hash }) => hash === head.parentHash);
      if (parent < 0) {
        // A fork that reaches back before the first block that was told.
        if (Number(head.number) > Number(this.chain[0]!.number))
          throw new Error(`a gap before ${head.number}`);
        this.chain.length = 0;
      } else this.chain.length = parent + 1;
    }
    this.chain.push(head);
  }
}

/** What a subscriber of logs holds, once those taken back are gone. */
export class LogListener {
  readonly logs: ChainLog[] = [];

  /** Throws where a log comes twice, or one is taken back that was not told. */
  hear(text: string): void {
    const log = JSON.parse(text) as ChainLog;
    const at = this.logs.findIndex((one) => one.blockHash === log.blockHash && one.logIndex === log.logIndex);
    if (log.removed) {
      if (at < 0) throw new Error(`taken back and never told: ${log.blockNumber}`);
      this.logs.splice(at, 1);
    } else if (at >= 0) throw new Error(`told twice: ${log.blockNumber}`);
    else this.logs.push(log);
  }
}
