import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { callBody } from '../calls.ts';

export interface DistinctCallers {
  answered: number;
  /** Answers other than 200. */
  refused: number;
}

const connections = 16;
const depth = 32;
/** No cache answers it: each call is a caller's own, all the way. */
const body = callBody(1, 'pending');
const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
const answerStart = 'HTTP/1.1 ';
const statusLength = 3;

/** One call from each of `count` IPv4 addresses, the `from`th on, said through X-Forwarded-For; pipelined. */
export async function callFromEach(port: number, from: number, count: number): Promise<DistinctCallers> {
  const share = Math.ceil(count / connections);
  const lanes = Array.from({ length: connections }, (_, n) => {
    const first = from + n * share;
    return callOnOne(port, first, Math.min(first + share, from + count));
  });
  const all = await Promise.all(lanes);
  return {
    answered: all.reduce((sum, lane) => sum + lane.answered, 0),
    refused: all.reduce((sum, lane) => sum + lane.refused, 0),
  };
}

async function callOnOne(port: number, from: number, to: number): Promise<DistinctCallers> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  const total = { answered: 0, refused: 0 };
  let next = from;
  let awaited = 0;
  let rest = '';
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      const group = Math.min(depth, to - next);
      if (group <= 0) return resolve();
      socket.write(requestsFrom(next, group));
      next += group;
      awaited = group;
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const text = rest + chunk;
      let end = 0;
      for (let at = text.indexOf(answerStart); at !== -1; at = text.indexOf(answerStart, end)) {
        if (at + answerStart.length + statusLength > text.length) break;
        end = at + answerStart.length + statusLength;
        total.answered++;
        if (text.slice(end - statusLength, end) !== '200') total.refused++;
        awaited--;
      }
      rest = text.slice(Math.max(end, text.length - answerStart.length - statusLength + 1));
      if (awaited === 0) send();
    });
    socket.once('error', reject);
    socket.once('close', resolve);
    send();
  }).finally(() => destroy(socket));
  return total;
}

function destroy(socket: Socket): void {
  socket.removeAllListeners('close');
  socket.destroy();
}

function requestsFrom(first: number, count: number): string {
  let text = '';
  for (let n = first; n < first + count; n++) {
    const address = `11.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    text += `${head}X-Forwarded-For: ${address}\r\n\r\n${body}`;
  }
  return text;
}
