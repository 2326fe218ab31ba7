import { batchVices, type FakeExchange, type ReceivedCall, type Vice, vices } from './upstream.ts';

/** What a vice means for the gateway in front of it. */
export interface NodeVice {
  vice: Vice;
  /**
   * What a caller gets where there is no other node: never this call's answer; always; either; or the node's own error,
   * which is an answer too.
   */
  alone: 'never' | 'always' | 'sometimes' | 'error';
  /** The connection is not to be trusted afterwards. */
  spoils: boolean;
}

/** Sound on the wire, of no use to the caller: what nodes say in a bad hour. */
const saying: Record<string, NodeVice> = {
  'answers 429 with Retry-After': status('429 Too Many Requests', 'slow down', 'Retry-After: 1\r\n'),
  'answers 429 with an error of JSON-RPC': {
    vice: {
      request: (x) =>
        x.send(x.http(errorsFor(x, -32005, 'rate limited'), { status: '429 Too Many Requests' })),
    },
    alone: 'error',
    spoils: false,
  },
  'answers 503': status('503 Service Unavailable', 'busy'),
  'answers 503 with Retry-After': status('503 Service Unavailable', 'busy', 'Retry-After: 1\r\n'),
  'answers 401': status('401 Unauthorized', 'who are you'),
  'answers 404': status('404 Not Found', '<html>nothing here</html>'),
  'is limited: -32005': error(-32005, 'daily request count exceeded, request rate limited'),
  'has no such state: missing trie node': error(
    -32000,
    'missing trie node 5a1f (path ) state is not available',
  ),
  'has no such block: header not found': error(-32000, 'header not found'),
  'has no such method': error(-32601, 'the method does not exist/is not available'),
};

/** Bent on the wire in ways the transport's own list leaves out. */
const bending: Record<string, NodeVice> = {
  'dies unnoticed after the first answer of a connection': {
    // Half open: nothing tells the other side. What was idle looks sound until it is used.
    vice: {
      request(x) {
        if (x.place === 0) x.send(x.http());
      },
    },
    alone: 'sometimes',
    spoils: false,
  },
  'breaks its chunks': {
    vice: {
      request: (x) =>
        x.send(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${x.answer.length.toString(16)}\r\n${x.answer}xy0\r\n\r\n`,
        ),
    },
    alone: 'never',
    spoils: true,
  },
  'counts its chunks in no number': {
    vice: {
      request: (x) =>
        x.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n${x.answer}\r\n0\r\n\r\n`),
    },
    alone: 'never',
    spoils: true,
  },
  'ends its chunks too early': {
    vice: {
      request: (x) =>
        void x.socket.end(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${x.answer.length.toString(16)}\r\n${x.answer}\r\n`,
        ),
    },
    alone: 'never',
    spoils: true,
  },
  'sends two lengths that differ': {
    vice: { request: (x) => x.send(x.http(x.answer, { headers: 'Content-Length: 2\r\n' })) },
    alone: 'never',
    spoils: true,
  },
  'answers without a result': {
    vice: { request: (x) => x.send(x.http(each(x, ({ id }) => `{"jsonrpc":"2.0","id":${text(id)}}`))) },
    alone: 'never',
    spoils: true,
  },
  'answers null': { vice: { request: (x) => x.send(x.http('null')) }, alone: 'never', spoils: true },
};

/** Sound connections all the same; whatever else never answers or answers twice is not trusted again. */
const sound = new Set([
  'answers 502 with HTML',
  'answers 500 with a right answer',
  'sends interim answers first',
  'answers chunked',
  'answers in many chunks',
  // To a batch this is a refusal, and no fault of the connection.
  'answers with id null and an error',
]);

/** Does to batches alone what it does: with a call that comes singly these nodes are sound. */
const onBatches = Object.entries(batchVices).map(([name, { vice }]): [string, NodeVice] => [
  `batches: ${name}`,
  { vice, alone: 'sometimes', spoils: false },
]);

/** Every way a node misbehaves in, each under its name. */
export const nodeVices: Record<string, NodeVice> = {
  ...Object.fromEntries(
    Object.entries(vices).map(([name, { vice, answers }]): [string, NodeVice] => [
      name,
      { vice, alone: answers, spoils: !sound.has(name) },
    ]),
  ),
  ...bending,
  ...saying,
  ...Object.fromEntries(onBatches),
};

function status(line: string, body: string, headers = ''): NodeVice {
  return {
    vice: { request: (x) => x.send(x.http(body, { status: line, headers })) },
    alone: 'never',
    spoils: false,
  };
}

function error(code: number, message: string): NodeVice {
  return {
    vice: { request: (x) => x.send(x.http(errorsFor(x, code, message))) },
    alone: 'error',
    spoils: false,
  };
}

function errorsFor(x: FakeExchange, code: number, message: string): string {
  return each(
    x,
    ({ id }) => `{"jsonrpc":"2.0","id":${text(id)},"error":{"code":${code},"message":"${message}"}}`,
  );
}

function each(x: FakeExchange, answer: (call: ReceivedCall) => string): string {
  const answers = x.calls.map(answer);
  return x.body[0] === '[' ? `[${answers.join(',')}]` : (answers[0] ?? '');
}

function text(id: ReceivedCall['id']): string {
  return JSON.stringify(id ?? null);
}
