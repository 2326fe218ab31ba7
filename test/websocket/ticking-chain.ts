import { type AbiEvent, parseAbiItem, toEventSelector } from 'viem';
import { accounts, type Anvil, startAnvil } from '../anvil.ts';
import { startRepeating } from './repeating.ts';

/** What each transaction of the ticker logs: the number of its block. */
export const tickEvent = parseAbiItem('event Tick(uint256 number)') satisfies AbiEvent;
export const tickTopic = toEventSelector(tickEvent);

/**
 * A contract by hand that logs Tick(block.number) whatever it is called with:
 *
 *     NUMBER PUSH0 MSTORE PUSH32 <topic> PUSH1 20 PUSH0 LOG1 STOP
 *
 * Before it, what copies these 0x29 bytes behind its own 0x0a to memory and returns them.
 */
const bytecode = `0x6029600a5f3960295ff3435f527f${tickTopic.slice(2)}60205fa100`;

export interface ChainBlock {
  number: number;
  hash: string;
}

export interface ChainLog {
  blockHash: string;
  blockNumber: number;
  logIndex: number;
}

/** A real node that mines each second, and whose every block from some on has a log. */
export interface TickingChain {
  readonly anvil: Anvil;
  readonly port: number;
  readonly contract: string;
  /** A transaction that makes a log. */
  readonly tick: object;
  call<T>(method: string, ...params: unknown[]): Promise<T>;
  height(): Promise<number>;
  /** No more transactions and no more blocks. */
  freeze(): Promise<void>;
  /** On again. */
  thaw(): Promise<void>;
  /** The chain as it stands, from a block on. */
  blocks(from: number): Promise<ChainBlock[]>;
  logs(from: number): Promise<ChainLog[]>;
  stop(): Promise<void>;
}

export async function startTickingChain(): Promise<TickingChain> {
  const anvil = await startAnvil();
  let id = 0;
  const call = async <T>(method: string, ...params: unknown[]): Promise<T> => {
    const answer = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
    });
    const { result, error } = (await answer.json()) as { result: T; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  const from = accounts.alice.address;
  const deployed = await call<string>('eth_sendTransaction', { from, data: bytecode });
  const { contractAddress: contract } = await call<{ contractAddress: string }>(
    'eth_getTransactionReceipt',
    deployed,
  );
  const tick = { from, to: contract, gas: '0x186a0' };
  // With the chain's own count of them, since a reorg takes some back.
  const send = async (): Promise<void> => {
    const nonce = await call<string>('eth_getTransactionCount', from, 'latest');
    // In the pool already: it waits for the next block.
    await call('eth_sendTransaction', { ...tick, nonce }).catch(() => {});
  };
  let ticker: { stop(): Promise<void> } | undefined;
  const thaw = async (): Promise<void> => {
    await call('evm_setIntervalMining', 1);
    ticker ??= startRepeating(200, send);
  };
  const stopTicker = async (): Promise<void> => {
    await ticker?.stop();
    ticker = undefined;
  };
  await thaw();

  return {
    anvil,
    port: Number(new URL(anvil.url).port),
    contract,
    tick,
    call,
    height: async () => Number(await call<string>('eth_blockNumber')),
    thaw,
    async freeze() {
      await stopTicker();
      await call('evm_setIntervalMining', 0);
    },
    async blocks(first) {
      const last = Number(await call<string>('eth_blockNumber'));
      const numbers = Array.from({ length: last - first + 1 }, (_, k) => first + k);
      return Promise.all(
        numbers.map(async (number) => ({
          number,
          hash: (await call<{ hash: string }>('eth_getBlockByNumber', hex(number), false)).hash,
        })),
      );
    },
    async logs(first) {
      const filter = { address: contract, fromBlock: hex(first), toBlock: 'latest' };
      const found = await call<{ blockHash: string; blockNumber: string; logIndex: string }[]>(
        'eth_getLogs',
        filter,
      );
      return found.map(({ blockHash, blockNumber, logIndex }) => ({
        blockHash,
        blockNumber: Number(blockNumber),
        logIndex: Number(logIndex),
      }));
    },
    async stop() {
      await stopTicker();
      await anvil.stop();
    },
  };
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
