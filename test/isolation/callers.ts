import type { Socket } from 'node:net';
import { open } from '../framing/connection.ts';

/** What a caller's whole conversation showed. */
export interface Conversation {
  calls: number;
  /** What was wrong, in words; empty where each answer was the caller's own. */
  wrong: string[];
}

interface Expected {
  /** Of each item, the id's text and the nonce. */
  items: { id: string; nonce: string }[];
  batch: boolean;
}

/** Ids that all callers share, so that one caller's answer would fit another's question. */
const ids = ['1', '2', '"a"', '1.0', '1e3', '9007199254740993', '"\\u0000"', '-0'];

/**
 * Asks `calls` calls over one connection, singles and batches, several requests ahead, and compares each answer with
 * what was asked: the id as it was written, the nonce, the order.
 */
export async function converse(options: {
  port: number;
  key: string;
  caller: number;
  calls: number;
}): Promise<Conversation> {
  const socket = await open({ port: options.port });
  const asked: Expected[] = [];
  const wrong: string[] = [];
  let made = 0;
  let answered = 0;

  function nextRequest(): string {
    const batch = made % 5 === 4;
    const size = Math.min(batch ? 2 + (made % 9) : 1, options.calls - made);
    const items = Array.from({ length: size }, () => {
      const nonce = `c${options.caller}-n${made}`;
      return { id: ids[made++ % ids.length]!, nonce };
    });
    asked.push({ items, batch });
    const texts = items.map(
      ({ id, nonce }) =>
        `{"jsonrpc":"2.0","id":${id},"method":"eth_call","params":["${nonce}",{"to":"0x0"}]}`,
    );
    const body = batch ? `[${texts.join(',')}]` : texts[0]!;
    const framing =
      options.caller % 10 === 0
        ? `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
        : `Content-Length: ${body.length}\r\n\r\n${body}`;
    return `POST / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${options.key}\r\n${framing}`;
  }

  function ask(): void {
    let text = '';
    while (asked.length < 8 && made < options.calls) text += nextRequest();
    if (text !== '') socket.write(text, 'latin1');
  }

  return new Promise((resolve) => {
    const end = (): void => {
      socket.destroy();
      resolve({ calls: answered, wrong });
    };
    readBodies(socket, (status, body) => {
      const expected = asked.shift();
      if (expected === undefined || status !== 200) {
        wrong.push(`${status} ${body}`);
        return end();
      }
      wrong.push(...compare(expected, body));
      answered += expected.items.length;
      if (answered === options.calls || wrong.length > 10) end();
      else ask();
    });
    socket.on('close', end);
    socket.on('error', (error) => {
      wrong.push(error.message);
      end();
    });
    ask();
  });
}

function compare({ items, batch }: Expected, body: string): string[] {
  const texts = items.map(({ id, nonce }) => `{"jsonrpc":"2.0","id":${id},"result":"${nonce}"}`);
  if (!batch) return body === texts[0] ? [] : [`${body} in place of ${texts[0]}`];
  return body === `[${texts.join(',')}]` ? [] : [`${body} in place of [${texts.join(',')}]`];
}

function readBodies(socket: Socket, onBody: (status: number, body: string) => void): void {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    for (;;) {
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(/^content-length: (\d+)\r?$/im.exec(text.slice(0, headEnd + 2))?.[1]);
      if (text.length < headEnd + 4 + length) return;
      const body = text.slice(headEnd + 4, headEnd + 4 + length);
      const status = Number(text.slice(9, 12));
      text = text.slice(headEnd + 4 + length);
      onBody(status, body);
    }
  });
}
