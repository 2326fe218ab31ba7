import { JsonRpcProvider, Network } from 'ethers';
import { createPublicClient, http } from 'viem';
import { foundry } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Anvil, noAnvil, startAnvil } from '../anvil.ts';
import { type Program, startProgram } from '../program.ts';

/** The same genesis and the same times give the same blocks, so nodes that mine by themselves hold one chain. */
const genesisTime = 1_700_000_000;
const ofTheChain = ['--no-mining', '--timestamp', String(genesisTime), '--slots-in-an-epoch', '2'];

/** One of three nodes of a chain that grows as this test says. */
interface Miner {
  anvil: Anvil;
  height: number;
}

describe.skipIf(noAnvil)(`three real nodes behind one network${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  let slow: Miner;
  let mortal: Miner;
  let stranger: Miner;
  let program: Program;

  beforeAll(async () => {
    const [one, two, three] = await Promise.all([
      startAnvil(ofTheChain),
      startAnvil(ofTheChain),
      startAnvil([...ofTheChain, '--chain-id', '999']),
    ]);
    [slow, mortal, stranger] = [one, two, three].map((anvil) => ({ anvil, height: 0 })) as [
      Miner,
      Miner,
      Miner,
    ];
    await Promise.all([slow, mortal].map((miner) => mineTo(miner, 3)));
    // Ahead of everybody, on its own chain.
    await mineTo(stranger, 40);
    program = await startProgram({
      config: {
        server: { workers: 2, state_dir: 'none' },
        upstreams: [
          { url: stranger.anvil.url, name: 'stranger' },
          { url: slow.anvil.url, name: 'slow' },
          { url: mortal.anvil.url, name: 'mortal' },
        ],
        chain_id: 31337,
        max_block_lag: 2,
        health: { interval: '100ms', timeout: '1s' },
        limits: { default: 'none' },
      },
    });
  });
  afterAll(async () => {
    await program?.stop();
    await Promise.all([slow, mortal, stranger].map((miner) => miner?.anvil.stop()));
  });

  test('viem and ethers see one chain that only grows while a node lags, dies, comes back, is a stranger', async () => {
    const witnesses = [watchWithViem(program.url), watchWithEthers(program.url)];
    let height = 3;
    const grow = async (blocks: number, miners: Miner[]): Promise<void> => {
      for (let k = 0; k < blocks; k++) {
        height += 1;
        await Promise.all(miners.map((miner) => mineTo(miner, height)));
        await pause(120);
      }
    };
    // One lags, by more than the bound after a while.
    await grow(12, [mortal]);
    await pause(400);
    // It comes up again, a few blocks at a time.
    while (slow.height < height) await mineTo(slow, Math.min(height, slow.height + 4));
    await grow(4, [slow, mortal]);
    await pause(400);
    // The other one dies, and the chain goes on without it.
    const port = Number(new URL(mortal.anvil.url).port);
    await mortal.anvil.stop();
    await grow(12, [slow]);
    // It comes back from nothing and has to find all blocks again.
    mortal = { anvil: await startAnvil([...ofTheChain, '--port', String(port)]), height: 0 };
    await grow(3, [slow]);
    await mineTo(mortal, height);
    await grow(6, [slow, mortal]);
    await pause(300);
    // Now the one that lagged goes for good.
    await slow.anvil.stop();
    await grow(8, [mortal]);
    await pause(600);

    for (const witness of witnesses) {
      const { seen, wrong, highest } = await witness.stop();
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(seen).toBeGreaterThan(50);
      // It did not stand still either.
      expect(highest).toBe(height);
    }
  }, 60_000);
});

/** What a client saw: how often it looked, the highest block, and all that was out of order. */
interface Witness {
  stop(): Promise<{ seen: number; highest: number; wrong: string[] }>;
}

/** The questions of one client; any that rejects is a failed call. */
interface Eyes {
  chainId(): Promise<number>;
  height(): Promise<number>;
  latest(): Promise<BlockSeen | null>;
  block(number: number): Promise<BlockSeen | null>;
  end(): void;
}

interface BlockSeen {
  number: number;
  hash: string | null;
  parentHash: string;
}

function watch(name: string, eyes: Eyes): Witness {
  const wrong: string[] = [];
  const hashes = new Map<number, string>();
  let highest = 0;
  let seen = 0;
  const stopping = new AbortController();
  const { signal } = stopping;
  const forward = (what: string, number: number): void => {
    if (number < highest) wrong.push(`${name}: ${what} ${number} after ${highest}`);
    highest = Math.max(highest, number);
  };
  /** Each block has the hash it had before, and the parent that came before it. */
  const link = ({ number, hash, parentHash }: BlockSeen): void => {
    const known = hashes.get(number);
    if (known !== undefined && known !== hash)
      wrong.push(`${name}: block ${number} was ${known}, is ${hash}`);
    hashes.set(number, String(hash));
    const parent = hashes.get(number - 1);
    if (parent !== undefined && parent !== parentHash)
      wrong.push(`${name}: block ${number} is no child of ${number - 1}`);
  };
  const look = async (): Promise<void> => {
    const id = await eyes.chainId();
    if (id !== 31337) wrong.push(`${name}: chain id ${id}`);
    forward('eth_blockNumber', await eyes.height());
    const latest = await eyes.latest();
    if (latest === null) wrong.push(`${name}: no latest block`);
    else {
      forward('the latest block', latest.number);
      link(latest);
    }
    // A block that this client was told of is there.
    for (const number of [highest, highest - 1]) {
      const block = await eyes.block(number);
      if (block === null) wrong.push(`${name}: no block ${number} at height ${highest}`);
      else link(block);
    }
  };
  const running = (async () => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => wrong.push(`${name}: ${String(error)}`));
      seen += 1;
      await pause(20);
    }
    eyes.end();
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      return { seen, highest, wrong };
    },
  };
}

function watchWithViem(url: string): Witness {
  const client = createPublicClient({
    chain: foundry,
    transport: http(url, { retryCount: 0 }),
    cacheTime: 0,
  });
  const plain = ({ number, hash, parentHash }: { number: bigint; hash: string; parentHash: string }) => ({
    number: Number(number),
    hash,
    parentHash,
  });
  return watch('viem', {
    chainId: () => client.getChainId(),
    height: async () => Number(await client.getBlockNumber()),
    latest: async () => plain(await client.getBlock()),
    block: async (number) => plain(await client.getBlock({ blockNumber: BigInt(number) })),
    end: () => {},
  });
}

function watchWithEthers(url: string): Witness {
  const network = Network.from(31337);
  const provider = new JsonRpcProvider(url, network, { staticNetwork: network, cacheTimeout: -1 });
  return watch('ethers', {
    chainId: async () => Number(await provider.send('eth_chainId', [])),
    height: () => provider.getBlockNumber(),
    latest: () => provider.getBlock('latest'),
    block: (number) => provider.getBlock(number),
    end: () => provider.destroy(),
  });
}

async function mineTo(miner: Miner, height: number): Promise<void> {
  for (; miner.height < height; miner.height += 1) {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'evm_mine',
      params: [{ timestamp: genesisTime + 12 * (miner.height + 1) }],
    });
    const answer = await fetch(miner.anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!(await answer.text()).includes('"result"')) throw new Error('not mined');
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
