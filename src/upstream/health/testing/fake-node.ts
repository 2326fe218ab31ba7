import type { UpstreamPolicy } from '../../../config/index.ts';
import type { Node, Told } from '../node.ts';
import type { SimulatedNode } from './simulated-chain.ts';

/** What the monitor asks, answered from a simulated chain, or as told. */
export class FakeNode implements Node {
  readonly simulated: SimulatedNode;
  chainId = 1;
  syncing: unknown = false;
  /** In place of every answer. */
  instead: Told | null = null;
  /** Answers come only when `letGo` is called. */
  hangs = false;
  closed = false;
  policy: UpstreamPolicy | null = null;
  readonly methods: string[] = [];
  private waiting: (() => void)[] = [];

  constructor(simulated: SimulatedNode) {
    this.simulated = simulated;
  }

  /** Checks begun: each asks for the latest block once. */
  get checks(): number {
    return this.methods.filter((method) => method === 'latest').length;
  }

  async ask(method: string, params: string): Promise<Told> {
    const [first] = JSON.parse(params) as [string?];
    this.methods.push(method === 'eth_getBlockByNumber' && first === 'latest' ? 'latest' : method);
    if (this.hangs) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.instead !== null) return this.instead;
    if (method === 'eth_chainId') return result(`0x${this.chainId.toString(16)}`);
    if (method === 'eth_syncing') return result(this.syncing);
    if (method !== 'eth_getBlockByNumber') return result(method);
    const block =
      first === 'latest'
        ? this.simulated.tip
        : await this.simulated.blockAt(first === 'finalized' ? first : Number(first));
    return result(block && { ...block, number: `0x${block.number.toString(16)}` });
  }

  letGo(told: Told): void {
    this.instead = told;
    for (const go of this.waiting.splice(0)) go();
  }

  update(policy: UpstreamPolicy): void {
    this.policy = policy;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function result(value: unknown): Told {
  return { kind: 'result', value };
}
