import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A node with newHeads, whose chain grows when it is told to. */
export interface HeadNode {
  port: number;
  /** Subscriptions to newHeads: the most that were open at once; and all there ever were, of any kind. */
  readonly seen: { most: number; ever: number };
  /** Adds a block and sends its head to all that subscribed. `at`: before the first byte, µs of process.hrtime. */
  announce(): { number: number; at: number };
  close(): void;
}

interface RpcCall {
  id?: unknown;
  method: string;
  params?: unknown[];
}

const firstHead = 0x1500000;
const finalDepth = 64;

/** Of chain 1, over HTTP and WebSocket on one port of loopback. Blocks follow from their number, heads are of 1.7 KB. */
export async function startHeadNode(): Promise<HeadNode> {
  const listening = new Map<string, WebSocket>();
  const seen = { most: 0, ever: 0 };
  let head = firstHead;

  const blockNamed = (tag: unknown): object | null => {
    if (tag === 'finalized' || tag === 'safe') return blockAt(head - finalDepth);
    const number = typeof tag === 'string' && tag.startsWith('0x') ? Number(tag) : head;
    return number <= head ? blockAt(number) : null;
  };
  const blockOfHash = (hash: unknown): object | null => {
    for (let number = head; number > head - finalDepth; number--)
      if (hashOf('block', number) === hash) return blockAt(number);
    return null;
  };

  const plain = ({ method, params = [] }: RpcCall): unknown => {
    if (method === 'eth_blockNumber') return hex(head);
    if (method === 'eth_chainId') return '0x1';
    if (method === 'eth_syncing') return false;
    if (method === 'eth_getBlockByNumber') return blockNamed(params[0]);
    if (method === 'eth_getBlockByHash') return blockOfHash(params[0]);
    if (method === 'eth_getLogs') return [];
    return hex(1);
  };

  const subscribed = ({ method, params = [] }: RpcCall, socket: WebSocket): unknown => {
    if (method === 'eth_unsubscribe') return listening.delete(String(params[0]));
    const id = hex(++seen.ever);
    if (params[0] === 'newHeads') listening.set(id, socket);
    seen.most = Math.max(seen.most, listening.size);
    return id;
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.once('end', () => {
      // as nodes without a health page of their own do
      if (request.method !== 'POST') return response.writeHead(404).end();
      const body = answer(text, plain);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      return response.end(body);
    });
  }).listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const ask = (call: RpcCall) =>
        /^eth_(un)?subscribe$/.test(call.method) ? subscribed(call, socket) : plain(call);
      socket.send(answer(data.toString('utf8'), ask));
    });
    socket.on('close', () => {
      for (const [id, one] of listening) if (one === socket) listening.delete(id);
    });
    // it closes, which is all there is to do
    socket.on('error', () => {});
  });
  await once(server, 'listening');
  // a run that fails before it closes this still ends
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    announce() {
      const result = blockAt(++head);
      const at = Number(process.hrtime.bigint() / 1000n);
      for (const [subscription, socket] of listening)
        socket.send(
          JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription, result } }),
        );
      return { number: head, at };
    },
    close() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(text: string, ask: (call: RpcCall) => unknown): string {
  const given = JSON.parse(text) as RpcCall | RpcCall[];
  const one = (call: RpcCall) => ({ jsonrpc: '2.0', id: call.id ?? null, result: ask(call) });
  return JSON.stringify(Array.isArray(given) ? given.map(one) : one(given));
}

/** A header as nodes send it. */
function blockAt(number: number): object {
  const bloom = hashOf('bloom', number).slice(2);
  return {
    number: hex(number),
    hash: hashOf('block', number),
    parentHash: hashOf('block', number - 1),
    sha3Uncles: hashOf('uncles', 0),
    logsBloom: `0x${bloom.repeat(8)}`,
    transactionsRoot: hashOf('transactions', number),
    stateRoot: hashOf('state', number),
    receiptsRoot: hashOf('receipts', number),
    miner: hashOf('miner', number).slice(0, 42),
    difficulty: '0x0',
    extraData: '0x6265617665726275696c642e6f7267',
    gasLimit: '0x2adfb6f',
    gasUsed: hex(15_000_000 + (number % 1_000_000)),
    timestamp: hex(0x60000000 + 12 * number),
    mixHash: hashOf('mix', number),
    nonce: '0x0000000000000000',
    baseFeePerGas: hex(1_000_000_000 + number),
    withdrawalsRoot: hashOf('withdrawals', number),
    blobGasUsed: '0xc0000',
    excessBlobGas: '0x4b80000',
    parentBeaconBlockRoot: hashOf('beacon', number),
    requestsHash: hashOf('requests', 0),
  };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hashOf(what: string, number: number): string {
  return `0x${createHash('sha256').update(`${what} ${number}`).digest('hex')}`;
}
