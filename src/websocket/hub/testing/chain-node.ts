import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BlockChain, ChainBlock } from './block-chain.ts';

/** A node that serves a {@link BlockChain} over HTTP and WebSocket on one port, by a server that others made. */
export interface ChainNode {
  readonly url: string;
  readonly wsUrl: string;
  chain: BlockChain;
  /** Blocks it is behind the chain's. */
  lag: number;
  /** Subscribes, and tells nothing. */
  mute: boolean;
  /** Answers no call, on either way. */
  deaf: boolean;
  /** What is said to `eth_subscribe` of a kind, in place of an id. */
  refusal: object | null;
  /** Sent right behind the answer to `eth_subscribe`, in one piece with it. */
  behindAnswer: string | null;
  /** `eth_getLogs` by a block's hash: as it should be, refused, or none, as of a backend that does not have the block. */
  logsByHash: 'given' | 'refused' | 'none';
  /** Answers `eth_getLogs` of blocks that are off the chain now with an error. */
  forgetsReplaced: boolean;
  /** Milliseconds until `eth_subscribe` is answered. */
  subscribeAfterMs: number;
  /** Tells its subscribers of each block since the last time, as a node does. */
  announce(): void;
  /** Sends any text to all its sockets. */
  say(text: string): void;
  /** Tells subscribers of a kind. */
  tell(kind: string, result: unknown): void;
  /** Methods it was asked for, on either way. */
  readonly asked: string[];
  subscriptions(): number;
  sockets(): number;
  /** WebSockets that were opened, ever. */
  handshakes(): number;
  /** Cuts every connection and listens no more. */
  kill(): Promise<void>;
  /** On the same port. */
  revive(): Promise<void>;
}

interface Question {
  id: unknown;
  method: string;
  params: unknown[];
}

export async function startChainNode(chain: BlockChain): Promise<ChainNode> {
  const subscribers = new Map<string, { socket: WebSocket; kind: string; told: string }>();
  const connections = new Set<Socket>();
  const asked: string[] = [];
  let server: Server | undefined;
  let wss: WebSocketServer | undefined;
  let last = 0;
  let handshakes = 0;
  let port = 0;

  const tipOf = (): ChainBlock => node.chain.blocks.at(-1 - node.lag)!;
  const reached = (block: ChainBlock | undefined): boolean =>
    block !== undefined && block.head.number <= tipOf().head.number;

  function resultOf(method: string, params: unknown[]): unknown {
    const { blocks } = node.chain;
    switch (method) {
      case 'eth_blockNumber':
        return `0x${tipOf().head.number.toString(16)}`;
      case 'eth_getBlockByNumber': {
        const block = params[0] === 'latest' ? tipOf() : blocks[Number(params[0])];
        return reached(block) ? block!.block : null;
      }
      case 'eth_getBlockByHash': {
        const block = node.chain.byHash(String(params[0]));
        return reached(block) ? block!.block : null;
      }
      case 'eth_getLogs': {
        const { blockHash, fromBlock } = params[0] as { blockHash?: string; fromBlock?: string };
        if (blockHash !== undefined && node.logsByHash === 'refused')
          throw new Error('unknown field blockHash');
        if (blockHash !== undefined && node.logsByHash === 'none') return [];
        const block =
          blockHash === undefined ? node.chain.blocks[Number(fromBlock)] : node.chain.byHash(blockHash);
        if (!reached(block)) throw new Error('unknown block');
        if (node.forgetsReplaced && !blocks.includes(block!)) throw new Error('unknown block');
        return block!.logs;
      }
      case 'eth_chainId':
        return '0x1';
      case 'eth_call':
        return params[0];
      default:
        throw new Error(`the method ${method} does not exist`);
    }
  }

  function answer({ id, method, params }: Question): string {
    asked.push(method);
    try {
      return JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method, params) });
    } catch (error) {
      return JSON.stringify({
        jsonrpc: '2.0',
        id,
        error: { code: -32000, message: (error as Error).message },
      });
    }
  }

  function onMessage(socket: WebSocket, text: string): void {
    const question = JSON.parse(text) as Question;
    if (node.deaf) return;
    const { id, method, params } = question;
    if (method === 'eth_subscribe') {
      asked.push(method);
      if (node.refusal !== null)
        return socket.send(JSON.stringify({ jsonrpc: '2.0', id, error: node.refusal }));
      const subscription = `0x${(++last).toString(16)}`;
      subscribers.set(subscription, { socket, kind: String(params[0]), told: tipOf().head.hash });
      const said = JSON.stringify({ jsonrpc: '2.0', id, result: subscription });
      if (node.subscribeAfterMs > 0) return void setTimeout(() => socket.send(said), node.subscribeAfterMs);
      const raw = (socket as unknown as { _socket: Socket })._socket;
      raw.cork();
      socket.send(said);
      if (node.behindAnswer !== null) socket.send(node.behindAnswer);
      return raw.uncork();
    }
    if (method === 'eth_unsubscribe') {
      asked.push(method);
      return socket.send(
        JSON.stringify({ jsonrpc: '2.0', id, result: subscribers.delete(String(params[0])) }),
      );
    }
    socket.send(answer(question));
  }

  function onRequest(request: IncomingMessage, reply: (text: string) => void): void {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      // A GET asks nothing.
      if (text === '') reply('');
      else if (!node.deaf) reply(answer(JSON.parse(text) as Question));
    });
  }

  async function listen(): Promise<void> {
    server = createServer((request, response) =>
      onRequest(request, (text) => response.setHeader('content-type', 'application/json').end(text)),
    );
    server.on('connection', (socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
    });
    wss = new WebSocketServer({ server });
    wss.on('connection', (socket) => {
      handshakes++;
      socket.on('error', () => {});
      socket.on('message', (data: Buffer) => onMessage(socket, data.toString()));
      socket.on('close', () => {
        for (const [id, one] of subscribers) if (one.socket === socket) subscribers.delete(id);
      });
    });
    await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  }

  function send(id: string, result: unknown): void {
    subscribers
      .get(id)
      ?.socket.send(
        JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result } }),
      );
  }

  const node: ChainNode = {
    chain,
    asked,
    lag: 0,
    mute: false,
    deaf: false,
    refusal: null,
    behindAnswer: null,
    logsByHash: 'given',
    forgetsReplaced: false,
    subscribeAfterMs: 0,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get wsUrl() {
      return `ws://127.0.0.1:${port}`;
    },
    announce() {
      if (node.mute) return;
      const seen = node.chain.blocks.slice(0, node.chain.blocks.length - node.lag);
      for (const [id, one] of subscribers) {
        if (one.kind !== 'newHeads') continue;
        const from = seen.findIndex(({ head }) => head.hash === one.told);
        // After a reorg a node tells at least its new head.
        const due = from < 0 ? seen.slice(-1) : seen.slice(from + 1);
        for (const { block } of due) send(id, block);
        if (due.length > 0) one.told = due.at(-1)!.head.hash;
      }
    },
    say(text) {
      for (const socket of wss?.clients ?? []) socket.send(text);
    },
    tell(kind, result) {
      for (const [id, one] of subscribers) if (one.kind === kind) send(id, result);
    },
    subscriptions: () => subscribers.size,
    sockets: () => wss?.clients.size ?? 0,
    handshakes: () => handshakes,
    async kill() {
      const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      for (const socket of connections) socket.destroy();
      wss?.close();
      server = undefined;
      subscribers.clear();
      await closed;
    },
    revive: listen,
  };
  await listen();
  return node;
}
