import { createServer, type Socket } from 'node:net';
import { itemsOf, membersOf } from './json-text.ts';

/** A call as the node received it; all as written, latin1. */
export interface ReceivedCall {
  method: string;
  /** '' where there were none. */
  params: string;
  /** undefined: a notification. */
  id: string | undefined;
  /** The whole object. */
  text: string;
}

/** A node that says exactly what it is told to, and remembers what it was asked. */
export interface RecordingNode {
  readonly url: string;
  readonly calls: ReceivedCall[];
  /** How many HTTP requests were JSON-RPC batches of more than one call. */
  batches(): number;
  /** How many HTTP requests came on a connection together with another. */
  pipelined(): number;
  /** Forgets what it was asked so far. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * Starts the node. `answer` gives the JSON text of the answer to a call, latin1, with the id as it is to be sent;
 * it is not called for notifications.
 */
export async function startRecordingNode(
  answer: (call: ReceivedCall & { id: string }) => string,
): Promise<RecordingNode> {
  const calls: ReceivedCall[] = [];
  const sockets = new Set<Socket>();
  let batches = 0;
  let pipelined = 0;

  const answerOne = (text: string): string => {
    const members = membersOf(text);
    const call = {
      method: (members.get('method') ?? '""').slice(1, -1),
      params: members.get('params') ?? '',
      id: members.get('id'),
      text,
    };
    calls.push(call);
    return call.id === undefined ? '' : answer({ ...call, id: call.id });
  };
  const answerBody = (body: string): string => {
    if (!body.startsWith('[')) return answerOne(body);
    const items = itemsOf(body);
    if (items.length > 1) batches += 1;
    const answers = items.map(answerOne).filter((text) => text !== '');
    return answers.length === 0 ? '' : `[${answers.join(',')}]`;
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    let text = '';
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      let answers = '';
      let together = 0;
      for (let next = takeRequest(text); next !== undefined; next = takeRequest(text)) {
        text = text.slice(next.length);
        together += 1;
        answers += next.body === undefined ? notFound : httpAnswer(answerBody(next.body));
      }
      if (together > 1) pipelined += together;
      if (answers !== '') socket.write(answers, 'latin1');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    batches: () => batches,
    pipelined: () => pipelined,
    forget() {
      calls.length = 0;
      batches = 0;
      pipelined = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const notFound = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';

function httpAnswer(body: string): string {
  if (body === '') return 'HTTP/1.1 204 No Content\r\n\r\n';
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The first whole request; `body` is undefined for anything but POST: the gateway asks at start whether it is itself. */
function takeRequest(text: string): { body: string | undefined; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const bodyLength = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
  const length = headEnd + 4 + bodyLength;
  if (text.length < length) return undefined;
  return { body: head.startsWith('POST ') ? text.slice(headEnd + 4, length) : undefined, length };
}
