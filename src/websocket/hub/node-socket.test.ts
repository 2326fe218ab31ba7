import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { UpstreamPolicy } from '../../config/index.ts';
import { systemClock } from './clock.ts';
import { openNodeSocket } from './node-socket.ts';

let server: WebSocketServer;
afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

it('asks a node that reads nothing for no more than it may keep', async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => socket.pause());
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const policy = { ws: { url, authorization: null }, ca: null, headers: [] as [string, string][] };
  const socket = await openNodeSocket(policy as unknown as UpstreamPolicy, 1000, systemClock);
  const params = JSON.stringify(['kind', 'x'.repeat(32 * 1024)]);
  const reasons = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const answer = await socket.subscribe(params, () => {});
      return answer.kind === 'failed' ? answer.reason : answer.kind;
    }),
  );
  socket.close();
  const count = (reason: string): number => reasons.filter((each) => each === reason).length;
  expect(count('does not read') + count('no answer in time')).toBe(1000);
  // 1 MiB here, and what the kernel takes of it.
  expect(count('no answer in time') * params.length).toBeLessThan(16 * 1024 * 1024);
});
