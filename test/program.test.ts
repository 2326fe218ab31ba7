import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { type Program, startProgram } from './program.ts';

/** A node that answers every call with `"here"`. */
const upstream = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const id = /"id":(\d+)/.exec(body)?.[1];
    response.end(`{"jsonrpc":"2.0","id":${id},"result":"here"}`);
  });
});
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
const started: Program[] = [];
afterAll(async () => {
  for (const program of started) await program.kill();
  upstream.closeAllConnections();
  upstream.close();
});

test('starts the real program, reloads it, and ends it in order', async () => {
  const config = { upstreams: [{ url: upstreamUrl }] };
  const program = await startProgram({ config });
  started.push(program);
  const body = '{"jsonrpc":"2.0","id":1.0,"method":"eth_call"}';
  const answer = await fetch(program.url, { method: 'POST', body });
  expect(await answer.text()).toBe('{"jsonrpc":"2.0","id":1.0,"result":"here"}');
  expect(
    await program.reload({ ...config, limits: { default: { requests: 7, period: '1s' } } }),
  ).toMatchObject({
    level: 'info',
    msg: 'config reloaded',
  });
  expect((await program.reload('upstreams: [')).level).toBe('error');
  expect(await program.stop()).toEqual({ code: 0, signal: null });
  expect(program.logs().at(-1)?.msg).toBe('drained');
});

test('a program that does not start says why', async () => {
  await expect(startProgram({ config: 'nothing: here' })).rejects.toThrow(/ended \(code 2\)/);
});
