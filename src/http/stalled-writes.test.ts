import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect, it, vi } from 'vitest';
import { open } from '../../test/framing/connection.ts';
import { certA, keyA } from '../config/testing/certificates.ts';
import { StalledWrites } from './stalled-writes.ts';

it('counts from the first look at which something waits, and anew whenever some of it is taken', () => {
  const handle = { bytesWritten: 0, writeQueueSize: 0 };
  const fake = { writableLength: 0, _handle: handle };
  const socket = fake as unknown as Socket;
  const writes = new StalledWrites();
  expect(writes.stalledMs(socket, 1000)).toBe(0);
  Object.assign(handle, { bytesWritten: 100, writeQueueSize: 80 });
  fake.writableLength = 100;
  expect(writes.stalledMs(socket, 2000)).toBe(0);
  expect(writes.stalledMs(socket, 2500)).toBe(500);
  // More to write is no progress.
  fake.writableLength = 300;
  expect(writes.stalledMs(socket, 3000)).toBe(1000);
  handle.writeQueueSize = 79;
  expect(writes.stalledMs(socket, 3500)).toBe(0);
  expect(writes.stalledMs(socket, 4000)).toBe(500);
  fake.writableLength = 0;
  expect(writes.stalledMs(socket, 4500)).toBe(0);
});

it('knows whole writes where the insides of Node do not tell', () => {
  const fake = { writableLength: 100, bytesWritten: 100, _handle: {} };
  const socket = fake as unknown as Socket;
  const writes = new StalledWrites();
  writes.stalledMs(socket, 1000);
  Object.assign(fake, { writableLength: 150, bytesWritten: 150 });
  expect(writes.stalledMs(socket, 2000)).toBe(1000);
  fake.writableLength = 50;
  expect(writes.stalledMs(socket, 3000)).toBe(0);
});

it.each([false, true])('sees a long write go on; TLS: %s', async (tls) => {
  const bytes = 32 << 20;
  const accepted = Promise.withResolvers<Socket>();
  const server = tls
    ? createTlsServer({ cert: certA, key: keyA }, accepted.resolve)
    : createServer(accepted.resolve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await open({ port: (server.address() as AddressInfo).port, tls });
  client.pause();
  const socket = await accepted.promise;
  socket.on('error', () => {});
  const writes = new StalledWrites();
  let now = 0;
  const stalledMs = (): number => writes.stalledMs(socket, (now += 1000));
  socket.write(Buffer.alloc(bytes));
  await vi.waitUntil(() => stalledMs() > 3000, { interval: 20, timeout: 10_000 });
  let read = 0;
  client.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > bytes / 2) client.pause();
  });
  client.resume();
  await vi.waitUntil(() => read > bytes / 2, { interval: 1, timeout: 10_000 });
  expect(stalledMs()).toBe(0);
  expect(socket.writableLength).toBe(bytes);
  client.destroy();
  socket.destroy();
  server.close();
});
