import { WebSocketProvider } from 'ethers';
import { createPublicClient, webSocket, type WebSocketTransport } from 'viem';
import { foundry } from 'viem/chains';
import { Web3, WebSocketProvider as Web3Socket } from 'web3';
import { WebSocket } from 'ws';
import { tickEvent, tickTopic } from './ticking-chain.ts';

export interface SeenHead {
  number: number;
  /** Where the client says it. */
  hash?: string;
  parentHash?: string;
}

export interface SeenLog {
  blockHash: string;
  blockNumber: number;
  logIndex: number;
  removed: boolean;
}

/** What a client was told, in order. */
export interface ChainListener {
  readonly heads: readonly SeenHead[];
  readonly logs: readonly SeenLog[];
  /** It does not say of a log that it was removed. */
  readonly hidesRemoved?: boolean;
  /** What it complained of. */
  readonly errors: readonly string[];
  close(): Promise<void> | void;
}

/** The strictest of all: what comes over the socket, as it is. */
export async function listenRaw(url: string, contract: string): Promise<ChainListener> {
  const { heads, logs, errors } = createLists();
  const socket = new WebSocket(url);
  const ids = new Map<string, 'heads' | 'logs'>();
  const begun = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => {
      socket.send('{"jsonrpc":"2.0","id":"heads","method":"eth_subscribe","params":["newHeads"]}');
      const filter = JSON.stringify({ address: contract, topics: [[tickTopic]] });
      socket.send(`{"jsonrpc":"2.0","id":"logs","method":"eth_subscribe","params":["logs",${filter}]}`);
    });
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as RawMessage;
      if (message.method === undefined) {
        if (message.error !== undefined) return reject(new Error(data.toString()));
        ids.set(String(message.result), message.id!);
        if (ids.size === 2) resolve();
        return;
      }
      const { subscription, result } = message.params!;
      const kind = ids.get(subscription);
      if (kind === 'heads') heads.push({ ...result, number: Number(result['number']) });
      else if (kind === 'logs') logs.push(readLog(result));
      else errors.push(`of no subscription: ${data.toString()}`);
    });
  });
  socket.on('close', (code, reason) => errors.push(`closed: ${code} ${reason.toString()}`));
  await begun;
  return { heads, logs, errors, close: () => socket.terminate() };
}

interface RawMessage {
  id?: 'heads' | 'logs';
  method?: string;
  result?: unknown;
  error?: unknown;
  params?: { subscription: string; result: Record<string, string> };
}

/**
 * `watchBlocks` is told a head and asks for the block of its number: its list is of what was asked, so a block that was
 * replaced meanwhile is in it twice under its new hash. `watchBlockNumber` gives the number of each head as it comes.
 */
export async function listenViem(
  url: string,
  contract: string,
): Promise<ChainListener & { blocks: readonly SeenHead[] }> {
  const { heads, logs, errors } = createLists();
  const blocks: SeenHead[] = [];
  // What it is answered, since `watchBlocks` keeps failures to itself.
  const transport: WebSocketTransport = (options) => {
    const inner = webSocket(url, { reconnect: false })(options);
    const request = async (asked: { method: string; params?: unknown }): Promise<unknown> => {
      const answer: unknown = await (inner.request as (asked: object) => Promise<unknown>)(asked).catch(
        (error: Error) => void errors.push(`${JSON.stringify(asked)}: ${error.message}`),
      );
      if (answer === null) errors.push(`${JSON.stringify(asked)}: null`);
      return answer;
    };
    return { ...inner, request: request as typeof inner.request };
  };
  const client = createPublicClient({ chain: foundry, transport });
  const onError = (error: Error): void => void errors.push(error.message);
  const ends = [
    client.watchBlockNumber({
      onBlockNumber: (number) => void heads.push({ number: Number(number) }),
      onError,
    }),
    client.watchBlocks({
      onBlock: (block) => void blocks.push({ number: Number(block?.number ?? -1), hash: block?.hash ?? '' }),
      onError,
    }),
    client.watchEvent({
      address: contract as `0x${string}`,
      event: tickEvent,
      onLogs: (found) =>
        void logs.push(
          ...found.map(({ blockHash, blockNumber, logIndex, removed }) => ({
            ...{ blockHash, blockNumber: Number(blockNumber), logIndex, removed },
          })),
        ),
      onError,
    }),
  ];
  const close = async (): Promise<void> => {
    for (const end of ends) end();
    const socket = (await client.transport.getRpcClient()) as { close(): void };
    socket.close();
  };
  return { heads, logs, blocks, errors, close };
}

/**
 * `block` gives numbers alone. A log that was removed is an `orphan` event, to which nobody can listen who does not name
 * that very log: its list is of all logs that ever came.
 */
export async function listenEthers(url: string, contract: string): Promise<ChainListener> {
  const { heads, logs, errors } = createLists();
  const provider = new WebSocketProvider(url, 31337);
  await provider.on('error', (error: Error) => errors.push(error.message));
  await provider.on('block', (number: number) => heads.push({ number }));
  await provider.on(
    { address: contract, topics: [tickTopic] },
    ({ blockHash, blockNumber, index, removed }: EthersLog) =>
      logs.push({ blockHash, blockNumber, logIndex: index, removed }),
  );
  return { heads, logs, errors, hidesRemoved: true, close: () => provider.destroy() };
}

interface EthersLog {
  blockHash: string;
  blockNumber: number;
  index: number;
  removed: boolean;
}

export async function listenWeb3(url: string, contract: string): Promise<ChainListener> {
  const { heads, logs, errors } = createLists();
  const provider = new Web3Socket(url, {}, { autoReconnect: false });
  const web3 = new Web3(provider);
  const onError = (error: Error): void => void errors.push(error.message);
  const headers = await web3.eth.subscribe('newHeads');
  headers.on('data', ({ number, hash, parentHash }) => {
    heads.push({ number: Number(number), hash: String(hash), parentHash: String(parentHash) });
  });
  headers.on('error', onError);
  const events = await web3.eth.subscribe('logs', { address: contract, topics: [tickTopic] });
  events.on('data', (log) => void logs.push(readLog(log as unknown as Record<string, unknown>)));
  events.on('error', onError);
  return { heads, logs, errors, close: () => provider.disconnect() };
}

function readLog(log: Record<string, unknown>): SeenLog {
  return {
    blockHash: String(log['blockHash']),
    blockNumber: Number(log['blockNumber']),
    logIndex: Number(log['logIndex']),
    removed: log['removed'] === true,
  };
}

function createLists(): { heads: SeenHead[]; logs: SeenLog[]; errors: string[] } {
  return { heads: [], logs: [], errors: [] };
}
