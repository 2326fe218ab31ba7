import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readAnswers } from '../../test/framing/answers.ts';
import { HELD_BYTES_MAX, type Reply } from './message.ts';
import { startFront, type TestFront } from './testing/front.ts';
import { createTurn } from './turn.ts';

const post = (body: string, headers = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
/** Node's, not the lane's. */
const chunkedPost = (body: string, headers = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${headers}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

class Client {
  text = '';
  closed = false;
  readonly socket: Socket;
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (bytes: Buffer) => (this.text += bytes.toString('latin1')));
    this.socket.on('error', () => {});
    this.socket.on('end', () => (this.closed = true));
    this.socket.on('close', () => (this.closed = true));
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  get answers(): ReturnType<typeof readAnswers> {
    return readAnswers(this.text);
  }
}

async function until(what: () => boolean, patienceMs = 5000): Promise<void> {
  for (const from = performance.now(); !what(); await sleep(5)) {
    if (performance.now() - from > patienceMs) throw new Error(`never: ${what}`);
  }
}

const fronts: TestFront[] = [];
const clients: Client[] = [];
async function start(options: Parameters<typeof startFront>[0]): Promise<TestFront> {
  const front = await startFront(options);
  fronts.push(front);
  return front;
}
function client(front: TestFront): Client {
  const one = new Client(front.port);
  clients.push(one);
  return one;
}
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const front of fronts.splice(0)) {
    front.destroy();
    await front.drain();
  }
});

describe.each([{ sharedReads: true }, { sharedReads: false }])(
  'shared reads: $sharedReads',
  ({ sharedReads }) => {
    it('counts a connection until it closes', async () => {
      const front = await start({ sharedReads });
      for (let k = 0; k < 3; k++) {
        const one = client(front).send(k === 1 ? chunkedPost('hi') : post('hi'));
        await until(() => one.text.endsWith('hi'));
        expect(front.stats.connections).toBe(1);
        one.socket.destroy();
        await until(() => front.stats.connections === 0);
      }
      expect(front.stats).toMatchObject({ accepted: 3, handedOver: 1 });
    });

    it.each([{ request: post('hi') }, { request: chunkedPost('hi') }])(
      'sends nothing before the end of the turn, behind the commit: $request',
      async ({ request }) => {
        const log: string[] = [];
        let endTurn: (() => void) | undefined;
        const turn = createTurn(
          () => log.push('commit'),
          (run) => (endTurn = run),
        );
        const front = await start({ sharedReads, turn });
        const one = client(front).send(request);
        await until(() => endTurn !== undefined);
        await sleep(30);
        expect([log, one.text]).toEqual([[], '']);
        endTurn!();
        await until(() => one.text.endsWith('hi'));
        expect(log).toEqual(['commit']);
      },
    );

    it('serves what comes behind exactly as many requests as may be under way', async () => {
      const replies: (() => void)[] = [];
      const front = await start({
        sharedReads,
        handler: ({ body }, reply) => replies.push(() => reply.send(200, '', body)),
      });
      const one = client(front).send(post('a').repeat(128));
      await until(() => replies.length === 128);
      one.send(post('b').repeat(200));
      await sleep(50);
      expect(replies).toHaveLength(128);
      while (replies.length > 0 || one.answers.length < 328) {
        for (const reply of replies.splice(0)) reply();
        await sleep(2);
      }
      expect(one.answers.map(({ body }) => body).join('')).toBe('a'.repeat(128) + 'b'.repeat(200));
    });

    it('does not let a flood of requests to node:http run ahead of its answers', async () => {
      const replies: Reply[] = [];
      const front = await start({ sharedReads, handler: (_seen, reply) => void replies.push(reply) });
      const one = client(front);
      const bytes = chunkedPost('a').repeat(3000);
      const sender = setInterval(() => one.send(bytes), 5);
      await sleep(300);
      clearInterval(sender);
      const taken = replies.length;
      expect(taken).toBeLessThan(5000);
      await sleep(100);
      expect(replies).toHaveLength(taken);
    });

    it('is still heard after a hand-over out of a full pipeline', async () => {
      const replies: (() => void)[] = [];
      const front = await start({
        sharedReads,
        handler: ({ body }, reply) => replies.push(() => reply.send(200, '', body)),
      });
      const one = client(front).send(post('a').repeat(130) + chunkedPost('b'));
      await until(() => replies.length === 128);
      for (const reply of replies.splice(0)) reply();
      await until(() => replies.length === 2);
      for (const reply of replies.splice(0)) reply();
      await until(() => replies.length === 1);
      replies.pop()!();
      await until(() => one.answers.length === 131);
      one.send(post('c'));
      await until(() => replies.length === 1);
      expect(front.seen.at(-1)).toMatchObject({ body: 'c', lane: 'fallback' });
    });

    it('answers a client that ended its side', async () => {
      const front = await start({
        sharedReads,
        handler: ({ body }, reply) => void setTimeout(() => reply.send(200, '', body), 20),
      });
      for (const bytes of [
        post('a') + post('b'),
        chunkedPost('a') + post('b'),
        post('a') + chunkedPost('b'),
      ]) {
        const one = client(front).send(bytes);
        one.socket.end();
        await until(() => one.closed);
        expect(one.answers.map(({ body }) => body)).toEqual(['a', 'b']);
      }
    });

    it('holds the bounds on connections, says so and forgets those that closed', async () => {
      const front = await start({ sharedReads, settings: { maxConnectionsPerAddress: 3 } });
      const held = [client(front), client(front), client(front)];
      for (const one of held) one.send(post('x'));
      await until(() => held.every(({ text }) => text.endsWith('x')));
      const over = client(front).send(post('x'));
      await until(() => over.closed);
      expect(over.answers[0]).toMatchObject({ status: 503, body: '"overloaded"' });
      expect(over.answers[0]!.headers.get('retry-after')).toMatch(/^0?1$/);
      held[0]!.socket.destroy();
      await until(() => front.stats.connections === 2);
      const next = client(front).send(post('x'));
      await until(() => next.text.endsWith('x'));
      expect(front.stats).toMatchObject({ refusedConnections: 1, accepted: 4 });
      front.settings.maxConnectionsPerAddress = 10;
      front.settings.maxConnections = 3;
      const another = client(front);
      await until(() => another.closed);
      front.settings.countedAs = () => undefined;
      front.settings.maxConnections = 100;
      front.settings.maxConnectionsPerAddress = 1;
      const proxied = client(front).send(post('x'));
      await until(() => proxied.text.endsWith('x'));
    });

    it('ends slow heads and slow requests with 408, and idle connections without a word', async () => {
      const settings = { headerTimeoutMs: 100, requestTimeoutMs: 300, idleTimeoutMs: 700 };
      const front = await start({ sharedReads, settings });
      const slow = client(front).send('POST / HTTP/1.1\r\n');
      const dripping = client(front).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
      const drip = setInterval(() => dripping.send('x'), 20);
      const idle = client(front).send(post('x'));
      const silent = client(front);
      const from = performance.now();
      await until(() => slow.closed);
      expect(performance.now() - from).toBeLessThan(700);
      expect(slow.answers).toMatchObject([{ status: 408, body: '"request_timeout"' }]);
      await until(() => dripping.closed);
      clearInterval(drip);
      expect(dripping.answers[0]).toMatchObject({ status: 408 });
      await until(() => idle.closed && silent.closed);
      expect(idle.answers).toHaveLength(1);
      expect(silent.text).toBe('');
      await until(() => front.stats.connections === 0);
      expect(front.stats.timedOut).toBe(4);
    });

    it('holds a client of node:http to the same times', async () => {
      const settings = { headerTimeoutMs: 100, requestTimeoutMs: 300, idleTimeoutMs: 700 };
      const front = await start({ sharedReads, settings });
      const slow = client(front).send('GET / HTTP/1.1\r\n');
      const body = client(front).send(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe',
      );
      await until(() => slow.closed && body.closed);
      expect(slow.answers).toMatchObject([{ status: 408, body: '"request_timeout"' }]);
      expect(body.answers).toMatchObject([{ status: 408 }]);
    });

    it('cuts a client that reads nothing, not one that reads slowly', async () => {
      const answer = Buffer.alloc(8 << 20, 'x');
      const front = await start({
        sharedReads,
        settings: { requestTimeoutMs: 400, idleTimeoutMs: 60_000 },
        handler: (_seen, reply) => reply.send(200, '', answer),
      });
      const deaf = client(front);
      deaf.socket.pause();
      deaf.send(post('x'));
      const deafToNode = client(front);
      deafToNode.socket.pause();
      deafToNode.send(chunkedPost('x'));
      const slow = client(front);
      slow.socket.pause();
      slow.send(post('x'));
      await until(() => front.stats.connections === 3);
      for (let k = 0; k < 80 && slow.text.length < answer.length; k++) {
        slow.socket.resume();
        await until(() => slow.socket.bytesRead > 0);
        await sleep(1);
        slow.socket.pause();
        await sleep(20);
      }
      slow.socket.resume();
      await until(() => slow.text.length > answer.length);
      await until(() => front.stats.connections === 1);
      expect(front.stats.timedOut).toBe(1);
    });

    it('cuts a client that reads nothing also when it goes on sending', async () => {
      const answer = Buffer.alloc(8 << 20, 'x');
      const front = await start({
        sharedReads,
        settings: { requestTimeoutMs: 400, idleTimeoutMs: 60_000 },
        handler: (_seen, reply) => reply.send(200, '', answer),
      });
      const last = 'Connection: close\r\n';
      const deaf = [post('x'), post('x', last), chunkedPost('x'), chunkedPost('x', last)].map((text) => {
        const one = client(front);
        one.socket.pause();
        return one.send(text);
      });
      const drip = setInterval(() => {
        for (const one of deaf) one.send('P');
      }, 50);
      await until(() => front.stats.connections === 4);
      await until(() => front.stats.connections === 0);
      clearInterval(drip);
    });

    it('cuts the client that most is held for before its first answer, which it sees without reading', async () => {
      const quarter = Buffer.alloc(HELD_BYTES_MAX / 4);
      const front = await start({
        sharedReads,
        handler: ({ body }, reply) => body !== 'never' && reply.send(200, '', quarter),
      });
      for (const request of [post, chunkedPost]) {
        const one = client(front);
        await until(() => one.socket.readyState === 'open');
        one.socket.pause();
        one.send(request('never') + request('x').repeat(5));
        await until(() => one.closed);
        expect(one.socket.bytesRead).toBe(0);
        await until(() => front.stats.connections === 0);
      }
    });

    it('waits for an answer longer than for a client', async () => {
      const front = await start({
        sharedReads,
        settings: { headerTimeoutMs: 100, requestTimeoutMs: 100, idleTimeoutMs: 1000 },
        handler: ({ body }, reply) => void setTimeout(() => reply.send(200, '', body), 2500),
      });
      const [lane, byNode] = [client(front).send(post('x')), client(front).send(chunkedPost('x'))];
      await until(() => lane.answers.length === 1 && byNode.answers.length === 1);
      await until(() => front.stats.connections === 0);
    });

    it('answers 413 before the body is read, and the answer arrives', async () => {
      const front = await start({ sharedReads, settings: { maxBodyBytes: 1000 } });
      for (const head of ['Content-Length: 3000000', 'Transfer-Encoding: chunked']) {
        const one = client(front).send(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
        for (let k = 0; k < 30; k++) one.send(`${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n`);
        await until(() => one.closed);
        expect(one.answers).toMatchObject([{ status: 413, body: '"body_too_large"' }]);
      }
      expect(front.seen).toEqual([]);
    });

    it('finds a body too large by a bound that a reload lowered, on a known head', async () => {
      const front = await start({ sharedReads });
      const one = client(front).send(post('0123456789'));
      await until(() => one.answers.length === 1);
      front.settings.maxBodyBytes = 9;
      one.send(post('0123456789'));
      await until(() => one.closed);
      expect(one.answers.map(({ status }) => status)).toEqual([200, 413]);
    });

    it('drains: answers what is under way, takes what is on its way, then ends', async () => {
      const replies: (() => void)[] = [];
      const front = await start({
        sharedReads,
        handler: ({ body }, reply) => replies.push(() => reply.send(200, '', body)),
      });
      const busy = client(front).send(post('a') + post('b'));
      const byNode = client(front).send(chunkedPost('a') + chunkedPost('b'));
      const idle = client(front);
      await until(() => front.stats.connections === 3 && replies.length === 4);
      const drained = front.drain();
      idle.send(post('late'));
      await until(() => replies.length === 5);
      for (const reply of replies) reply();
      await drained;
      await until(() => busy.closed && byNode.closed && idle.closed);
      for (const one of [busy, byNode]) expect(one.answers.map(({ body }) => body)).toEqual(['a', 'b']);
      for (const one of [busy, byNode, idle]) {
        expect(one.answers.map(({ headers }) => headers.get('connection') === 'close').indexOf(true)).toBe(
          one.answers.length - 1,
        );
      }
    });

    it('ends idle connections of a drain within a second', async () => {
      const front = await start({ sharedReads });
      const lane = client(front).send(post('x'));
      const byNode = client(front).send(chunkedPost('x'));
      await until(() => lane.answers.length + byNode.answers.length === 2);
      const from = performance.now();
      await front.drain();
      expect(performance.now() - from).toBeLessThan(3000);
    });

    it('gives every answer of its own a request id', async () => {
      const front = await start({ sharedReads, settings: { headerTimeoutMs: 100 } });
      const sent = [
        'GARBAGE\r\n\r\n',
        'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
        `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
        'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n',
        'POST / HTTP/1.1\r\nHo',
      ];
      const statuses: number[] = [];
      for (const text of sent) {
        const one = client(front).send(text);
        await until(() => one.answers.length === 1);
        expect(one.answers[0]!.headers.get('x-request-id')).toBe('t');
        statuses.push(one.answers[0]!.status);
      }
      expect(statuses).toEqual([400, 400, 431, 405, 200, 413, 408]);
    });
  },
);

describe('the bound on a head', () => {
  it('holds in the lane as in node:http', async () => {
    const front = await start({ settings: { maxHeaderBytes: 1024 } });
    const padded = (bytes: number): string => post('x', `X-Pad: ${'p'.repeat(bytes)}\r\n`);
    const status = async (text: string): Promise<number> => {
      const one = client(front).send(text);
      await until(() => one.answers.length > 0);
      one.socket.destroy();
      return one.answers[0]!.status;
    };
    expect(await status(padded(500))).toBe(200);
    expect(await status(padded(3000))).toBe(431);
    expect(await status(padded(9000))).toBe(431);
    front.settings.maxHeaderBytes = 32_768;
    expect(await status(padded(3000))).toBe(200);
    expect(front.seen.at(-1)).toMatchObject({ lane: 'fast' });
  });
});
