import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { DISCARD_BYTES_MAX, DISCARD_MS_MAX, endWith, lastAnswer } from './last-answer.ts';

/** Both ends of a connection. */
async function connected(): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const theirs = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [ours] = (await accepted) as [Socket];
  server.close();
  theirs.on('error', () => {});
  onTestFinished(() => void [ours, theirs].map((socket) => socket.destroy()));
  return { ours, theirs };
}

it('reaches a client that goes on sending, which is cut only once that is too much', async () => {
  const { ours, theirs } = await connected();
  let [text, sent] = ['', 0];
  theirs.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  const done = new Promise<number>((resolve) => {
    endWith(ours, 'answer', () => resolve(performance.now()));
  });
  const began = performance.now();
  const piece = Buffer.alloc(1 << 16);
  const pump = (): void => {
    while (!theirs.destroyed && sent < 3 * DISCARD_BYTES_MAX && theirs.write(piece)) sent += piece.length;
  };
  theirs.on('drain', pump);
  pump();
  // By the bytes, or on a slow machine by the time.
  expect((await done) - began).toBeLessThan(DISCARD_MS_MAX + 2000);
  expect(ours.bytesRead > DISCARD_BYTES_MAX || performance.now() - began >= DISCARD_MS_MAX).toBe(true);
  expect(ours.bytesRead).toBeLessThan(2 * DISCARD_BYTES_MAX);
  expect(text).toBe('answer');
});

it('cuts a client that neither sends nor leaves, after a while', async () => {
  const { ours, theirs } = await connected();
  theirs.resume();
  const began = performance.now();
  await new Promise<void>((resolve) => {
    endWith(ours, 'answer', resolve);
  });
  expect(performance.now() - began).toBeGreaterThanOrEqual(DISCARD_MS_MAX - 5);
});

it('says when to come again where it is the load, and that it is the last', () => {
  const answer = { headers: 'X-Request-Id: t\r\n', body: '{}' };
  expect(lastAnswer({ status: 503, ...answer })).toMatch(/\r\nRetry-After: 01\r\n[^]*\{\}$/);
  expect(lastAnswer({ status: 400, ...answer })).not.toContain('Retry-After');
  expect(lastAnswer({ status: 400, ...answer })).toMatch(/\r\nConnection: close\r\n/i);
});
