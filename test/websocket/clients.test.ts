import { WebSocketProvider as EthersSocket } from 'ethers';
import { createPublicClient, webSocket } from 'viem';
import { foundry } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Web3, WebSocketProvider as Web3Socket } from 'web3';
import { noAnvil } from '../anvil.ts';
import { until } from '../../src/gateway/testing/until.ts';
import { type Program, startProgram } from '../program.ts';
import {
  type ChainListener,
  listenEthers,
  listenRaw,
  listenViem,
  listenWeb3,
  type SeenHead,
} from './chain-listeners.ts';
import { openSockets } from './open-sockets.ts';
import { type Relay, startRelay } from './relays.ts';
import { replayHeads, replayLogs } from './replay.ts';
import { type ChainLog, startTickingChain, type TickingChain } from './ticking-chain.ts';

/** Of mining: one block a second. */
const seconds = process.env.POLYMORPH_TEST_LONG === '1' ? 60 : 25;
const keys = { listen: 'pp_test_to_listen_with_000001', limited: 'pp_test_limited_0000000000003' } as const;

describe.skipIf(noAnvil)(
  `clients that listen while upstreams die and the chain turns${noAnvil ? `: ${noAnvil}` : ''}`,
  () => {
    let chain: TickingChain;
    let relays: Map<string, Relay>;
    let program: Program;
    beforeAll(async () => {
      chain = await startTickingChain();
      relays = new Map([
        ['one', await startRelay(chain.port)],
        ['two', await startRelay(chain.port)],
      ]);
      program = await startProgram({
        config: {
          server: { workers: 2 },
          health: { interval: '500ms', timeout: '400ms' },
          limits: { default: 'none' },
          keys: [
            { name: 'listen', key: keys.listen },
            {
              name: 'limited',
              key: keys.limited,
              websocket: { max_subscriptions: 2 },
              limits: { methods: { eth_gasPrice: { requests: 1, period: '500ms', burst_size: 0 } } },
            },
          ],
          upstreams: [...relays].map(([name, { port }]) => ({
            name,
            url: `http://127.0.0.1:${port}`,
            ws_url: `ws://127.0.0.1:${port}`,
          })),
        },
      });
    });
    afterAll(async () => {
      await program?.stop();
      for (const relay of relays?.values() ?? []) await relay.kill();
      await chain?.stop();
    });

    it('each ends with the chain’s own heads and logs: no gap, no duplicate, reorgs told', async ({
      onTestFailed,
    }) => {
      onTestFailed(() => void process.stdout.write(program.output()));
      const url = `ws://127.0.0.1:${program.port}/${keys.listen}`;
      const raw = await listenRaw(url, chain.contract);
      await until(() => raw.heads.length > 0 && raw.logs.length > 0);
      const viem = await listenViem(url, chain.contract);
      const ethers = await listenEthers(url, chain.contract);
      const web3 = await listenWeb3(url, chain.contract);
      const listeners: Record<string, ChainListener> = { raw, viem, ethers, web3 };
      const all = Object.values(listeners);
      await until(() => all.every(({ heads, logs }) => heads.length > 0 && logs.length > 0));
      expect((await openSockets(program)).feeds).toHaveLength(2);

      const start = raw.heads.length;
      const after = (share: number): Promise<void> =>
        until(() => raw.heads.length >= start + seconds * share, 60_000);
      const source = async (): Promise<string> =>
        ((await openSockets(program)).feeds[0]!['source'] as { upstream: string }).upstream;
      const killed: string[] = [];
      for (const share of [0.15, 0.4]) {
        await after(share);
        const name = await source();
        killed.push(name);
        await relays.get(name)!.kill();
        const at = raw.heads.length;
        await until(() => raw.heads.length >= at + 3, 30_000);
        await relays.get(name)!.restart();
      }
      // Each was the one listened to when it was killed.
      expect(killed.toSorted()).toEqual(['one', 'two']);
      await after(0.7);
      // Or the block that viem asks for is gone while it asks.
      await until(() => viem.blocks.at(-1)?.number === raw.heads.at(-1)!.number);
      // The second of the three new blocks has a log.
      await chain.call('anvil_reorg', 3, [[chain.tick, 1]]);
      await after(1);

      await chain.freeze();
      const blocks = await chain.blocks(raw.heads[0]!.number);
      const last = blocks.at(-1)!;
      const truth = await chain.logs(raw.heads[0]!.number);
      const complete = ({ heads, logs }: ChainListener): boolean =>
        heads.at(-1)?.number === last.number && logs.some((log) => log.blockHash === truth.at(-1)!.blockHash);
      await until(() => all.every(complete)).catch(() => {});

      for (const [name, listener] of Object.entries(listeners)) {
        expect([name, listener.errors]).toEqual([name, []]);
        const heads = replayHeads(listener.heads);
        expect([name, heads.complaints]).toEqual([name, []]);
        const known = blocks.slice(blocks.length - heads.now.length);
        expect([name, heads.now.map(({ number }) => number)]).toEqual([
          name,
          known.map(({ number }) => number),
        ]);
        if (listener.heads[0]!.hash !== undefined)
          expect([name, heads.now.map(({ hash }) => hash)]).toEqual([name, known.map(({ hash }) => hash)]);
        expect([name, numbersOf(listener.heads)]).toEqual([
          name,
          numbersOf(raw.heads).slice(-listener.heads.length),
        ]);

        expect([name, logsOf(listener.logs)]).toEqual([
          name,
          logsOf(raw.logs)
            .filter((log) => !(listener.hidesRemoved && log.endsWith('removed')))
            .slice(-listener.logs.length),
        ]);
      }
      const logs = replayLogs(raw.logs);
      expect(logs.complaints).toEqual([]);
      expect(logsOf(logs.now)).toEqual(logsOf(truth.slice(-logs.now.length)));
      expect(logs.now.length).toBeGreaterThan(seconds / 2);
      // The reorg was told, of all that it replaced.
      expect(raw.heads.length).toBeGreaterThan(replayHeads(raw.heads).now.length);
      expect(raw.logs.some(({ removed }) => removed)).toBe(true);
      // What viem asks for by number is what the chain has by then.
      const asked = new Map(viem.blocks.map(({ number, hash }) => [number, hash]));
      const first = Math.min(...asked.keys());
      expect([...asked].toSorted(([one], [other]) => one - other)).toEqual(
        blocks.filter(({ number }) => number >= first).map(({ number, hash }) => [number, hash]),
      );

      for (const listener of all) await listener.close();
      await expect.poll(async () => (await openSockets(program)).total).toBe(0);
    });

    it('while no upstream is there nothing comes; then all that was missed', async () => {
      const url = `ws://127.0.0.1:${program.port}/${keys.listen}`;
      await chain.thaw();
      const raw = await listenRaw(url, chain.contract);
      await until(() => raw.heads.length > 1);
      for (const relay of relays.values()) await relay.kill();
      const last = raw.heads.at(-1)!.number;
      await expect.poll(() => chain.height(), { timeout: 20_000, interval: 200 }).toBeGreaterThan(last + 4);
      // The reorg that nobody saw: deeper than what was told last.
      await chain.call('anvil_reorg', 7, [[chain.tick, 1]]);
      expect(raw.heads.at(-1)!.number).toBeLessThanOrEqual(last + 1);
      for (const relay of relays.values()) await relay.restart();
      const told = raw.heads.length;
      await until(() => raw.heads.length > told + 5, 60_000);

      await chain.freeze();
      const blocks = await chain.blocks(raw.heads[0]!.number);
      const truth = await chain.logs(raw.heads[0]!.number);
      await until(() => raw.heads.at(-1)!.hash === blocks.at(-1)!.hash);
      await expect.poll(() => logsOf(replayLogs(raw.logs).now), { timeout: 15_000 }).toEqual(logsOf(truth));
      const heads = replayHeads(raw.heads);
      expect([...heads.complaints, ...replayLogs(raw.logs).complaints, ...raw.errors]).toEqual([]);
      expect(heads.now.map(({ hash }) => hash)).toEqual(blocks.map(({ hash }) => hash));
      await raw.close();
    });

    describe('a limit', () => {
      const url = (): string => `ws://127.0.0.1:${program.port}/${keys.limited}`;

      it('viem comes back, each time later, and succeeds', async () => {
        const client = createPublicClient({ chain: foundry, transport: webSocket(url()) });
        const from = performance.now();
        const prices = await Promise.all([client.getGasPrice(), client.getGasPrice()]);
        expect(prices.every((price) => price > 0n)).toBe(true);
        // One of the two was refused at once: there is one call in 500 ms.
        expect(performance.now() - from).toBeGreaterThan(400);
        ((await client.transport.getRpcClient()) as { close(): void }).close();
      });

      it('ethers tells its caller, with the error as it came', async () => {
        const provider = new EthersSocket(url(), 31337);
        const asked = await Promise.allSettled([1, 2].map(() => provider.send('eth_gasPrice', [])));
        const refused = asked.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
        expect(refused.reason).toMatchObject({
          error: { code: -32005, data: { policy: 'key:eth_gasPrice' } },
        });
        // The socket stays.
        expect(await provider.send('eth_chainId', [])).toBe('0x7a69');
        await provider.destroy();
      });

      it('web3 tells its caller, with the error as it came', async () => {
        const provider = new Web3Socket(url(), {}, { autoReconnect: false });
        const web3 = new Web3(provider);
        const asked = await Promise.allSettled([1, 2].map(() => web3.eth.getGasPrice()));
        const refused = asked.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
        expect(refused.reason).toMatchObject({ cause: { code: -32005 } });
        expect(await web3.eth.getChainId()).toBe(31337n);
        provider.disconnect();
      });

      it('of subscriptions is an error of the call, and the socket stays', async () => {
        const provider = new EthersSocket(url(), 31337);
        const subscribe = () => provider.send('eth_subscribe', ['newHeads']);
        await subscribe();
        await subscribe();
        await expect(subscribe()).rejects.toMatchObject({
          error: { code: -32005, data: { policy: 'websocket:subscriptions', limit: 2 } },
        });
        expect(await provider.send('eth_chainId', [])).toBe('0x7a69');
        await provider.destroy();
      });
    });
  },
);

const logsOf = (logs: readonly (ChainLog & { removed?: boolean })[]): string[] =>
  logs.map(({ blockHash, logIndex, removed }) => `${blockHash} ${logIndex}${removed ? ' removed' : ''}`);
const numbersOf = (heads: readonly SeenHead[]): number[] => heads.map(({ number }) => number);
