import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, expect, it, vi } from 'vitest';
import { createRedisStreamSink } from '../../src/events/sinks/redis-stream.ts';
import { cert, key } from '../../src/upstream/testing/certificate.ts';
import { deliveryOf, exampleEvent } from '../../src/events/testing/example-event.ts';
import { sinkConfig } from '../../src/events/testing/sink-config.ts';
import { createSinkHttp } from '../../src/events/http/sink-http.ts';

afterEach(() => vi.unstubAllEnvs());

it('an environment that turns checks of certificates off turns off none of a sink', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const heard: string[] = [];
  const web = createServer({ cert, key }, (request, response) => {
    heard.push(request.url ?? '');
    response.end();
  });
  const redis = tls.createServer({ cert, key }, (socket) => {
    socket.on('data', (bytes) => heard.push(String(bytes)));
    socket.on('error', () => undefined);
  });
  for (const server of [web, redis]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const [webPort, redisPort] = [web, redis].map((server) => (server.address() as AddressInfo).port);
  const { http, close } = createSinkHttp({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  const { signal } = new AbortController();
  const url = `https://localhost:${webPort}/hook`;
  await expect(http({ url, headers: {}, body: '', allowPrivate: true }, signal)).rejects.toThrow(
    'is not trusted',
  );
  const settings = sinkConfig('redis-stream', {
    url: `rediss://:secret@localhost:${redisPort}`,
    timeout: '2s',
  });
  const sink = createRedisStreamSink(settings);
  const results = await sink.deliver([deliveryOf(exampleEvent('ip.banned'))], signal);
  expect(results).toMatchObject([{ kind: 'retry' }]);
  expect(heard).toEqual([]);
  await sink.close();
  close();
  for (const server of [web, redis]) server.close();
});
