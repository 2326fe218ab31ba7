import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { claimAddress } from './bind.ts';

let holder: Server | undefined;
afterEach(() => holder?.close());

async function hold(reusePort: boolean): Promise<number> {
  holder = createServer();
  await new Promise<void>((resolve) => holder?.listen({ host: '127.0.0.1', port: 0, reusePort }, resolve));
  return (holder.address() as AddressInfo).port;
}

test('port 0 becomes a port that is free again', async () => {
  const { host, port } = await claimAddress('127.0.0.1', 0);
  expect(host).toBe('127.0.0.1');
  expect(port).toBeGreaterThan(0);
  expect((await claimAddress('127.0.0.1', port)).port).toBe(port);
});

test('a name becomes its address', async () => {
  expect(['127.0.0.1', '::1']).toContain((await claimAddress('localhost', 0)).host);
});

test.each([false, process.platform === 'linux'])(
  'a taken port is told, also when its holder shares it (%s)',
  async (shared) => {
    const port = await hold(shared);
    await expect(claimAddress('127.0.0.1', port)).rejects.toMatchObject({
      code: 'port_taken',
      message: `port taken: something already listens on 127.0.0.1:${port}`,
    });
  },
);

test('an address of another machine is told', async () => {
  await expect(claimAddress('192.0.2.1', 0)).rejects.toMatchObject({ code: 'no_such_address' });
});

test('a name that nobody knows is told as such', async () => {
  await expect(claimAddress('gateway.invalid', 8540)).rejects.toMatchObject({
    code: 'no_such_address',
    message: 'cannot listen on gateway.invalid:8540: the name gateway.invalid is not known',
  });
});
