import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { findSelf } from './self-probe.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serve(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/path`;
}

const upstream = (url: string) => ({ network: 'default', name: url, url });

test('finds the upstream that is this process among others', async () => {
  const paths: (string | undefined)[] = [];
  const ourselves = await serve(
    createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(200, { 'x-polymorph-instance': 'us' }).end('{}');
    }),
  );
  const another = await serve(
    createServer((_, response) => response.writeHead(200, { 'x-polymorph-instance': 'them' }).end()),
  );
  const node = await serve(createServer((_, response) => response.writeHead(405).end()));
  const silent = await serve(createTcpServer(() => {}));
  const rude = await serve(createTcpServer((socket) => socket.end('hello\r\n')));
  const closed = 'http://127.0.0.1:1/';
  const found = await findSelf([ourselves, another, node, silent, rude, closed].map(upstream), 'us', 200);
  expect(found.map((each) => each.url)).toEqual([ourselves]);
  expect(paths).toEqual(['/healthz']);
});
