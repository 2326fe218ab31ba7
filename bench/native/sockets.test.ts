import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { callBody, callPool } from '../calls.ts';
import type { SocketCalls } from '../load/sockets.ts';
import { compile, isThere } from '../tools.ts';

const run = promisify(execFile);
const poolSize = 5;

// the bench installs gcc itself; a machine that only runs the tests need not have it
describe.skipIf(!isThere('gcc'))('the bench sockets (needs gcc)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'polymorph-bench-test-'));
  const pool = join(directory, 'calls.pool');
  let program: string;
  let server: WebSocketServer | undefined;

  beforeAll(() => {
    program = compile('sockets', directory);
    writeFileSync(pool, callPool(poolSize, ['a', 'b']));
  });
  afterEach(() => {
    for (const socket of server?.clients ?? []) socket.terminate();
    server?.close();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** A plain server; `onCall` has each message as text. */
  async function serve(onCall: (text: string, socket: WebSocket, key: unknown) => void): Promise<number> {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket, { headers }) => {
      socket.on('message', (data: Buffer) => onCall(data.toString('utf8'), socket, headers['x-api-key']));
    });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const idOf = (text: string): number => (JSON.parse(text) as { id: number }).id;
  const right = (id: number, result = '0x1') => `{"jsonrpc":"2.0","id":${id},"result":"${result}"}`;

  describe('calls', () => {
    /** Three connections for 200 ms, at a server that answers as told. */
    async function load(answer: (id: number, nth: number, socket: WebSocket) => string | undefined) {
      const texts: string[] = [];
      const keys = new Set<unknown>();
      const port = await serve((text, socket, key) => {
        texts.push(text);
        keys.add(key);
        const body = answer(idOf(text), texts.length, socket);
        if (body !== undefined) socket.send(body);
      });
      const { stdout } = await run(program, ['calls', port, 3, 200, pool].map(String));
      return { summary: JSON.parse(stdout) as SocketCalls, texts, keys };
    }

    it('go round the pool, one a connection at a time, each connection with a key', async () => {
      const { summary, texts, keys } = await load((id) => right(id));
      expect(summary.failed).toBe(0);
      expect(summary.answered).toBeGreaterThan(poolSize);
      expect(texts.length - summary.answered).toBeLessThanOrEqual(3);
      expect(summary.microseconds).toBeGreaterThanOrEqual(200_000);
      const bodies = Array.from({ length: poolSize }, (_, n) => callBody(n));
      expect(texts.slice(0, 3).toSorted()).toEqual(bodies.slice(0, 3));
      expect(new Set(texts)).toEqual(new Set(bodies));
      expect(keys).toEqual(new Set(['a', 'b']));
    });

    it.each([125, 126, 65_535, 65_536, 500_000])('read answers of %i bytes', async (length) => {
      const { summary } = await load((id) => right(id, 'x'.repeat(length - right(id, '').length)));
      expect(summary.failed).toBe(0);
      expect(summary.answered).toBeGreaterThan(3);
    });

    it.each([
      ['the id of another call', (id: number) => right(id + 1)],
      ['an id that begins with its own', (id: number) => right(id * 10)],
      ['an error', (id: number) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"no"}}`],
    ])('count %s as failed', async (_, wrong) => {
      const { summary } = await load((id, nth) => (nth % 10 === 0 ? wrong(id) : right(id)));
      expect(summary.failed).toBeGreaterThan(0);
    });

    it('count a connection that is closed and one that is not answered as failed', async () => {
      const { summary } = await load((id, nth, socket) => {
        if (nth === 10) socket.close();
        else if (nth !== 20) return right(id);
        return undefined;
      });
      // told to close, and lost
      expect(summary.failed).toBe(3);
    });

    it('answer pings with what they said', async () => {
      const said: string[] = [];
      const { summary } = await load((id, nth, socket) => {
        if (nth === 1) {
          socket.on('pong', (data: Buffer) => said.push(data.toString()));
          socket.ping('are you there');
        }
        return right(id);
      });
      expect(summary.failed).toBe(0);
      expect(said).toEqual(['are you there']);
    });
  });

  describe('listeners', () => {
    const count = 150;
    const head = (number: number) =>
      `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x9","result":{"number":"0x${number.toString(16)}"}}}`;

    /** All sockets, once each is subscribed; lines of the program as they come. */
    async function listen(maxMs: number) {
      const sockets: WebSocket[] = [];
      const port = await serve((text, socket) => {
        sockets.push(socket);
        expect(JSON.parse(text)).toMatchObject({ method: 'eth_subscribe', params: ['newHeads'] });
        socket.send(right(1, '0x9'));
      });
      const child = spawn(program, ['listen', port, count, maxMs].map(String));
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
      const ended = once(child, 'exit');
      const line = async (n: number) => {
        while (text.split('\n').length <= n + 1) await Promise.race([once(child.stdout, 'data'), ended]);
        return JSON.parse(text.split('\n')[n]!) as Record<string, number>;
      };
      expect(await line(0)).toEqual({ subscribed: count });
      return { sockets, child, ended, line };
    }

    it('say when all of them are subscribed, and when the last has a head', async () => {
      const { sockets, child, ended, line } = await listen(10_000);
      expect(sockets).toHaveLength(count);
      for (const number of [16, 17]) {
        const from = Number(process.hrtime.bigint() / 1000n);
        for (const socket of sockets) socket.send(head(number));
        const { last, ...seen } = await line(number - 15);
        expect(seen).toEqual({ head: number, received: count });
        expect(last).toBeGreaterThan(from);
        expect(last).toBeLessThan(Number(process.hrtime.bigint() / 1000n));
      }
      child.kill('SIGTERM');
      await ended;
      expect(await line(3)).toEqual({ open: count, failed: 0 });
    });

    it('end when their time is over, and say which heads some did not get, or got twice', async () => {
      const { sockets, ended, line } = await listen(1500);
      for (const socket of sockets.slice(1)) socket.send(head(5));
      sockets[1]!.send(head(5));
      await ended;
      expect(await line(1)).toMatchObject({ head: 5, received: count - 1 });
      expect(await line(2)).toEqual({ open: count, failed: 1 });
    });
  });

  it('refuse what is beyond their bounds', async () => {
    await expect(run(program, ['listen', '1', '100000000', '1'])).rejects.toThrow('expected 1 to 50000');
    await expect(run(program, ['listen', '1'])).rejects.toThrow('sockets calls PORT');
    await expect(run(program, ['calls', '1', '1', '1', directory])).rejects.toThrow('no calls in');
  });
});
