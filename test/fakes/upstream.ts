import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/**
 * A JSON-RPC node for tests, on a raw socket, so that it can misbehave in every way. Unless told
 * otherwise it answers each call with its first param as the result, and a batch with an array.
 */
export interface FakeUpstream {
  readonly port: number;
  readonly url: string;
  /** Bodies received, in order. */
  readonly bodies: string[];
  /** Heads received, in order. */
  readonly heads: string[];
  /** Calls received, in order, the items of batches singly. */
  readonly calls: ReceivedCall[];
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
  /** How it behaves from now on. */
  behave(vice: Vice): void;
  /** Forgets what it received so far; connections keep their numbers. */
  forget(): void;
  /** Ends every open connection at once, with a reset if asked. */
  drop(reset?: boolean): void;
  /** Closes everything; resolves when done. */
  close(): Promise<void>;
}

/** A call as the fake received it. */
export interface ReceivedCall {
  readonly method: string;
  /** undefined: a notification. */
  readonly id: number | string | null | undefined;
  readonly params: readonly unknown[];
  /** Number of the connection it came on, from 1, and the place of its HTTP request there, from 0. */
  readonly connection: number;
  readonly place: number;
  /** How many calls its HTTP request carried; 0: a single call, not in an array. */
  readonly batch: number;
  /** `performance.now()`. */
  readonly atMs: number;
}

/** One request as the fake sees it. */
export interface FakeExchange {
  readonly socket: Socket;
  /** The calls in it. */
  readonly calls: readonly ReceivedCall[];
  readonly body: string;
  /** Place of this request on its connection, from 0. */
  readonly place: number;
  /** The right answer: JSON text, '' for a notification. */
  readonly answer: string;
  /** The right answer as HTTP; other fields and status as asked. */
  http(body?: string, options?: { status?: string; headers?: string; length?: number }): string;
  /** Sends text, one byte a character. */
  send(text: string): void;
}

export interface Vice {
  /** In place of the right answer. */
  request?(exchange: FakeExchange): void;
  /** As soon as a connection is accepted. */
  accept?(socket: Socket): void;
}

export interface FakeOptions {
  vice?: Vice;
  /** The right answer to a call, as JSON text without braces and id: `"result":1`. Default: its first param as the result. */
  answer?: (call: ReceivedCall) => string;
  tls?: { cert: string; key: string };
  port?: number;
}

export async function startFakeUpstream(options: FakeOptions = {}): Promise<FakeUpstream> {
  let vice = options.vice ?? {};
  let accepted = 0;
  const sockets = new Set<Socket>();
  const bodies: string[] = [];
  const heads: string[] = [];
  const calls: ReceivedCall[] = [];
  const answerCall = options.answer ?? firstParam;

  function serve(socket: Socket): void {
    const connection = ++accepted;
    sockets.add(socket);
    let text = '';
    let place = 0;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    vice.accept?.(socket);
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let request = take(text); request !== undefined && !socket.destroyed; request = take(text)) {
        text = text.slice(request.length);
        heads.push(request.head);
        bodies.push(request.body);
        answer(socket, request.body, connection, place++);
      }
    });
  }

  function answer(socket: Socket, body: string, connection: number, place: number): void {
    const received = callsIn(body, connection, place);
    calls.push(...received);
    const exchange = exchangeOf(socket, body, place, received, answerToCalls(received, answerCall));
    if (vice.request !== undefined) vice.request(exchange);
    else exchange.send(exchange.http());
  }

  const server: Server =
    options.tls === undefined ? createServer(serve) : createTlsServer({ ...options.tls }, serve);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;

  return {
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    bodies,
    heads,
    calls,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    behave(next) {
      vice = next;
    },
    forget() {
      bodies.length = 0;
      heads.length = 0;
      calls.length = 0;
    },
    drop(reset = false) {
      for (const socket of sockets) {
        if (reset) socket.resetAndDestroy();
        else socket.destroy();
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The first complete request in `text`. */
function take(text: string): { head: string; body: string; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const bodyLength = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
  const length = headEnd + 4 + bodyLength;
  return text.length < length ? undefined : { head, body: text.slice(headEnd + 4, length), length };
}

function exchangeOf(
  socket: Socket,
  body: string,
  place: number,
  calls: readonly ReceivedCall[],
  answer: string,
): FakeExchange {
  return {
    socket,
    body,
    place,
    calls,
    answer,
    http(text = answer, { status = '200 OK', headers = '', length = text.length } = {}) {
      if (text === '' && status === '200 OK') return 'HTTP/1.1 204 No Content\r\n\r\n';
      return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${length}\r\n\r\n${text}`;
    },
    send(text) {
      socket.write(text, 'latin1');
    },
  };
}

type SentCall = Pick<ReceivedCall, 'method' | 'id'> & { params?: readonly unknown[] };

/** The calls of a body; none in that of a health check, which has no body. */
function callsIn(body: string, connection: number, place: number): ReceivedCall[] {
  if (body === '') return [];
  const parsed = JSON.parse(Buffer.from(body, 'latin1').toString()) as SentCall | SentCall[];
  const batch = Array.isArray(parsed) ? parsed.length : 0;
  const items = Array.isArray(parsed) ? parsed : [parsed];
  const atMs = performance.now();
  return items.map(({ method, id, params = [] }) => ({ method, id, params, connection, place, batch, atMs }));
}

/** The right answer to a body: each call's first param is its result. */
export function answerTo(body: string): string {
  return answerToCalls(callsIn(body, 0, 0), firstParam);
}

/** Latin1; '' where no answer is due. */
function answerToCalls(calls: readonly ReceivedCall[], answerCall: (call: ReceivedCall) => string): string {
  const answers = calls
    .filter(({ id }) => id !== undefined)
    .map((call) => `{"jsonrpc":"2.0","id":${JSON.stringify(call.id)},${answerCall(call)}}`);
  const text = (calls[0]?.batch ?? 0) > 0 ? `[${answers.join(',')}]` : (answers[0] ?? '');
  return Buffer.from(text).toString('latin1');
}

function firstParam({ params }: ReceivedCall): string {
  return `"result":${JSON.stringify(params[0] ?? null)}`;
}

/** Each id in an answer replaced by what `change` makes of it. */
export function changeIds(answer: string, change: (id: number, place: number) => string): string {
  let place = 0;
  return answer.replaceAll(/"id":(\d+)/g, (_, id) => `"id":${change(Number(id), place++)}`);
}

function chunk(text: string, extension = ''): string {
  return `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
}

function chunkedHead(headers = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`;
}

function half(text: string): string {
  return text.slice(0, Math.ceil(text.length / 2));
}

function drip(exchange: FakeExchange, text: string, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (exchange.socket.destroyed || at >= text.length) clearInterval(timer);
    else exchange.send(text[at++]!);
  }, everyMs);
}

/** Ways a node misbehaves in, or behaves oddly but soundly in: what becomes of a call then is written beside it. */
export const vices: Record<string, { vice: Vice; answers: 'never' | 'always' | 'sometimes' }> = {
  'never answers': { vice: { request() {} }, answers: 'never' },
  'stops reading': { vice: { accept: (socket) => void socket.pause() }, answers: 'never' },
  'closes without an answer': { vice: { request: (x) => void x.socket.end() }, answers: 'never' },
  'resets without an answer': { vice: { request: (x) => void x.socket.resetAndDestroy() }, answers: 'never' },
  'closes as soon as it accepts': { vice: { accept: (socket) => void socket.end() }, answers: 'never' },
  'resets as soon as it accepts': {
    vice: { accept: (socket) => void socket.resetAndDestroy() },
    answers: 'never',
  },
  'closes in the head': {
    vice: { request: (x) => void x.socket.end('HTTP/1.1 200 OK\r\nConte') },
    answers: 'never',
  },
  'truncates the body': {
    vice: { request: (x) => void x.socket.end(x.http(half(x.answer), { length: x.answer.length })) },
    answers: 'never',
  },
  'resets in the body': {
    vice: {
      request(x) {
        x.send(x.http(half(x.answer), { length: x.answer.length }));
        setTimeout(() => x.socket.resetAndDestroy(), 10);
      },
    },
    answers: 'never',
  },
  'hangs in the body': {
    vice: { request: (x) => x.send(x.http(half(x.answer), { length: x.answer.length })) },
    answers: 'never',
  },
  'drips too slowly': { vice: { request: (x) => drip(x, x.http(), 40) }, answers: 'never' },
  'announces too large an answer': {
    vice: { request: (x) => x.send(x.http(x.answer, { length: 2 ** 33 })) },
    answers: 'never',
  },
  'sends too large an answer': {
    vice: { request: (x) => x.send(x.http(`{"jsonrpc":"2.0","id":1,"result":"${'x'.repeat(300_000)}"}`)) },
    answers: 'never',
  },
  'chunks too large an answer': {
    vice: { request: (x) => x.send(chunkedHead() + chunk('x'.repeat(300_000))) },
    answers: 'never',
  },
  'counts too few bytes': {
    vice: { request: (x) => x.send(x.http(x.answer, { length: x.answer.length - 1 })) },
    answers: 'never',
  },
  'counts too many bytes': {
    vice: { request: (x) => x.send(x.http(x.answer, { length: x.answer.length + 1 })) },
    answers: 'never',
  },
  'answers with another id': {
    vice: { request: (x) => x.send(x.http(changeIds(x.answer, (id) => `${id + 1000}`))) },
    answers: 'never',
  },
  'answers with the id as a string': {
    vice: { request: (x) => x.send(x.http(changeIds(x.answer, (id) => `"${id}"`))) },
    answers: 'never',
  },
  'answers with the id as a fraction': {
    vice: { request: (x) => x.send(x.http(changeIds(x.answer, (id) => `${id}.0`))) },
    answers: 'never',
  },
  'answers without an id': {
    vice: { request: (x) => x.send(x.http(x.answer.replaceAll(/"id":\d+,/g, ''))) },
    answers: 'never',
  },
  'answers with id null and an error': {
    vice: {
      request: (x) => x.send(x.http('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}')),
    },
    answers: 'never',
  },
  'puts the id in twice': {
    vice: { request: (x) => x.send(x.http(changeIds(x.answer, (id) => `${id},"id":${id}`))) },
    answers: 'never',
  },
  'answers with HTML': {
    vice: { request: (x) => x.send(x.http('<html><body>Welcome</body></html>')) },
    answers: 'never',
  },
  'answers 502 with HTML': {
    vice: { request: (x) => x.send(x.http('<html>Bad Gateway</html>', { status: '502 Bad Gateway' })) },
    answers: 'never',
  },
  'answers 500 with a right answer': {
    vice: { request: (x) => x.send(x.http(x.answer, { status: '500 Internal Server Error' })) },
    answers: 'always',
  },
  'answers 200 with garbage': {
    vice: { request: (x) => x.send(x.http('\x00\xff{"id":')) },
    answers: 'never',
  },
  'answers with nothing': {
    vice: { request: (x) => x.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
    answers: 'never',
  },
  'answers with invalid UTF-8': {
    vice: { request: (x) => x.send(x.http(x.answer.replaceAll('"result":"', '"result":"\xff\xfe'))) },
    answers: 'never',
  },
  'answers with result and error': {
    vice: {
      request: (x) =>
        x.send(x.http(x.answer.replaceAll('"result"', '"error":{"code":1,"message":""},"result"'))),
    },
    answers: 'never',
  },
  'speaks no HTTP': { vice: { request: (x) => x.send(x.answer) }, answers: 'never' },
  'answers twice': { vice: { request: (x) => x.send(x.http() + x.http()) }, answers: 'sometimes' },
  'adds bytes after the answer': {
    vice: { request: (x) => x.send(`${x.http()}\r\n`) },
    answers: 'sometimes',
  },
  'answers again later': {
    vice: {
      request(x) {
        x.send(x.http());
        setTimeout(() => x.send(x.http()), 5);
      },
    },
    answers: 'sometimes',
  },
  'answers before it is asked': {
    vice: {
      accept: (socket) =>
        void socket.write(
          'HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n{"jsonrpc":"2.0","id":1,"result":"x"}',
        ),
    },
    answers: 'sometimes',
  },
  'closes after each answer, saying so': {
    vice: { request: (x) => void x.socket.end(x.http(x.answer, { headers: 'Connection: close\r\n' })) },
    answers: 'sometimes',
  },
  'closes after each answer, unsaid': {
    vice: { request: (x) => void x.socket.end(x.http()) },
    answers: 'sometimes',
  },
  'sends interim answers first': {
    vice: {
      request: (x) =>
        x.send(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${x.http()}`),
    },
    answers: 'always',
  },
  'sends interim answers without end': {
    vice: { request: (x) => x.send('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)) },
    answers: 'never',
  },
  'switches protocols': {
    vice: { request: (x) => x.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n') },
    answers: 'never',
  },
  'says it is compressed': {
    vice: { request: (x) => x.send(x.http(x.answer, { headers: 'Content-Encoding: gzip\r\n' })) },
    answers: 'never',
  },
  'answers chunked': {
    vice: { request: (x) => x.send(`${chunkedHead()}${chunk(x.answer)}0\r\n\r\n`) },
    answers: 'always',
  },
  'answers in many chunks': {
    vice: {
      request: (x) =>
        x.send(
          `${chunkedHead()}${x.answer
            .split('')
            .map((char) => chunk(char, ';a="b"'))
            .join('')}0\r\nX: y\r\n\r\n`,
        ),
    },
    answers: 'always',
  },
  'hides an answer in chunk extensions': {
    vice: {
      request: (x) => x.send(`${chunkedHead()}${chunk(x.answer, `;a=\n\r\n0\r\n\r\n${x.http()}`)}0\r\n\r\n`),
    },
    answers: 'never',
  },
  'floods chunk extensions': {
    vice: {
      request: (x) => x.send(`${chunkedHead()}${chunk(x.answer, `;${'x'.repeat(100_000)}`)}0\r\n\r\n`),
    },
    answers: 'never',
  },
  'floods the head': {
    vice: { request: (x) => x.send(x.http(x.answer, { headers: `X: ${'y'.repeat(100_000)}\r\n` })) },
    answers: 'never',
  },
  'sends two lengths': {
    vice: { request: (x) => x.send(x.http(x.answer, { headers: `Content-Length: ${x.answer.length}\r\n` })) },
    answers: 'never',
  },
  'sends a length and chunks': {
    vice: {
      request: (x) =>
        x.send(`${chunkedHead(`Content-Length: ${x.answer.length}\r\n`)}${chunk(x.answer)}0\r\n\r\n`),
    },
    answers: 'never',
  },
  'folds a header': {
    vice: { request: (x) => x.send(x.http(x.answer, { headers: 'X: a\r\n b\r\n' })) },
    answers: 'never',
  },
  'ends lines with bare LF': {
    vice: { request: (x) => x.send(x.http().replaceAll('\r\n', '\n')) },
    answers: 'never',
  },
  'gives no length': {
    vice: { request: (x) => void x.socket.end(`HTTP/1.1 200 OK\r\n\r\n${x.answer}`) },
    answers: 'never',
  },
};

/** The same for a node that is asked batches: what it does to them; a single call it answers rightly. */
export const batchVices: Record<string, { vice: Vice; answers: 'never' | 'always' | 'sometimes' }> = {
  'answers out of order': { vice: onBatch((items) => items.toReversed()), answers: 'always' },
  'leaves answers out': { vice: onBatch((items) => items.slice(1)), answers: 'sometimes' },
  'answers an empty array': { vice: onBatch(() => []), answers: 'never' },
  'answers one call twice': { vice: onBatch((items) => [items[0]!, ...items]), answers: 'sometimes' },
  'answers one call in place of another': {
    vice: onBatch((items) => [items[1]!, ...items.slice(1)]),
    answers: 'sometimes',
  },
  'adds a stranger': {
    vice: onBatch((items) => [...items, '{"jsonrpc":"2.0","id":99999999,"result":0}']),
    answers: 'always',
  },
  'adds an answer with id null': {
    vice: onBatch((items) => [...items, '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}']),
    answers: 'always',
  },
  'spoils one item': { vice: onBatch((items) => ['{"id":7}', ...items.slice(1)]), answers: 'always' },
  'refuses batches with an error': {
    vice: inPlaceOfBatch(
      '200 OK',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}',
    ),
    answers: 'always',
  },
  'refuses batches with an error in an array': {
    vice: inPlaceOfBatch(
      '200 OK',
      '[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}]',
    ),
    answers: 'always',
  },
  'refuses batches by status': { vice: inPlaceOfBatch('400 Bad Request', 'no batches'), answers: 'always' },
  'truncates batches': {
    vice: {
      request: (x) =>
        x.body[0] === '['
          ? void x.socket.end(x.http(half(x.answer), { length: x.answer.length }))
          : x.send(x.http()),
    },
    answers: 'always',
  },
  'answers batches at too great length': {
    vice: onBatch((items) => [...items, 'x'.repeat(300_000)]),
    answers: 'always',
  },
  'fails batches by status': { vice: inPlaceOfBatch('503 Service Unavailable', 'busy'), answers: 'never' },
  'answers a batch with one answer': {
    vice: inPlaceOfBatch('200 OK', '{"jsonrpc":"2.0","id":1,"result":1}'),
    answers: 'always',
  },
};

function onBatch(change: (items: string[]) => string[]): Vice {
  return {
    request(x) {
      if (x.body[0] !== '[') return x.send(x.http());
      const items = (JSON.parse(x.answer) as unknown[]).map((item) => JSON.stringify(item));
      x.send(x.http(`[${change(items).join(',')}]`));
    },
  };
}

function inPlaceOfBatch(status: string, body: string): Vice {
  return { request: (x) => x.send(x.body[0] === '[' ? x.http(body, { status }) : x.http()) };
}
