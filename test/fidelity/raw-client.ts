import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Latin1: one character a byte. */
  body: string;
}

/** How the requests are sent: in the plain form that the fast lane takes, or chunked, which node:http serves. */
export interface PostOptions {
  connections?: number;
  path?: string;
  chunked?: boolean;
}

/** Requests of one connection that wait for their answers at once. */
const underWayMax = 32;

/**
 * Posts bodies to the gateway, byte for byte, over a few connections, each with many requests under way at once, so
 * that they reach the gateway together. Answers stand where their bodies do. Bodies are latin1, a character a byte.
 */
export async function postAll(
  port: number,
  bodies: readonly string[],
  { connections = 8, path = '/', chunked = false }: PostOptions = {},
): Promise<RawAnswer[]> {
  const answers: RawAnswer[] = Array.from({ length: bodies.length });
  const share = Math.ceil(bodies.length / connections);
  const shares = Array.from({ length: connections }, (_, index) =>
    bodies.slice(index * share, (index + 1) * share),
  );
  await Promise.all(
    shares.map(async (mine, index) => {
      const got = await exchange(
        port,
        mine.map((body) => requestOf(body, path, chunked)),
      );
      got.forEach((answer, place) => {
        answers[index * share + place] = answer;
      });
    }),
  );
  return answers;
}

/** Rejects where the connection is closed before the last answer: a refused call is no reason to. */
function exchange(port: number, requests: readonly string[]): Promise<RawAnswer[]> {
  return new Promise((resolve, reject) => {
    const answers: RawAnswer[] = [];
    let text = '';
    const socket = connect(port, '127.0.0.1');
    let sent = 0;
    const send = () => {
      const next = requests.slice(sent, answers.length + underWayMax);
      sent += next.length;
      if (next.length > 0) socket.write(next.join(''), 'latin1');
    };
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('error', reject);
    socket.on('close', () => {
      if (answers.length === requests.length) resolve(answers);
      else reject(new Error(`closed before the answer to ${requests[answers.length]?.slice(0, 500)}`));
    });
    if (requests.length === 0) socket.end();
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let next = takeAnswer(text); next !== undefined; next = takeAnswer(text)) {
        answers.push(next.answer);
        text = text.slice(next.length);
      }
      send();
      if (answers.length === requests.length) socket.end();
    });
    send();
  });
}

function requestOf(body: string, path: string, chunked: boolean): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: gateway\r\n`;
  if (!chunked) return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  // Two chunks, so that a text is cut in its middle.
  const middle = body.length >> 1;
  const chunks = [body.slice(0, middle), body.slice(middle)].filter((chunk) => chunk !== '');
  const sent = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${head}Transfer-Encoding: chunked\r\n\r\n${sent}0\r\n\r\n`;
}

function takeAnswer(text: string): { answer: RawAnswer; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const bodyLength = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
  const length = headEnd + 4 + bodyLength;
  if (text.length < length) return undefined;
  return { answer: { status: Number(head.slice(9, 12)), body: text.slice(headEnd + 4, length) }, length };
}
