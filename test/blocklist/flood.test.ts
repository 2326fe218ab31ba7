import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { eventually } from '../store/gateway.ts';

/** Addresses that attack: a million in the long run. */
const addresses = process.env['POLYMORPH_TEST_LONG'] === '1' ? 1_000_000 : 50_000;
/** Of which each piece is sent at once. */
const piece = 100;
const persistent = '203.0.113.9';

let node: FakeUpstream;
let program: Program;
beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      upstreams: [{ url: node.url }],
      store: 'none',
      server: { workers: 1, trusted_proxies: ['127.0.0.0/8'] },
      blocklist: { max_bans: 100, auto_ban: { threshold: 500, window: '1h' } },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.close();
});

const body = callText();
const badCall = (address: string): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\nX-API-Key: ${'x'.repeat(32)}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Answers by status of requests that are sent over one connection, as a proxy's are. */
async function flood(from: number, to: number): Promise<Record<string, number>> {
  const socket = connect(program.port, '127.0.0.1');
  const statuses: Record<string, number> = {};
  const count = { sent: 0, answered: 0 };
  let rest = '';
  let wake = (): void => {};
  socket.on('data', (bytes) => {
    const parts = (rest + bytes.toString('latin1')).split('HTTP/1.1 ');
    // A status may be cut.
    rest = `HTTP/1.1 ${parts.pop()}`;
    for (const part of parts.slice(1)) {
      const status = part.slice(0, 3);
      statuses[status] = (statuses[status] ?? 0) + 1;
      count.answered += 1;
    }
    wake();
  });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  for (let next = from; next < to; next += piece) {
    const texts = Array.from({ length: piece }, (_, k) => {
      const i = next + k;
      return badCall(`${(i >> 16) + 20}.${(i >> 8) & 255}.${i & 255}.9`);
    });
    // One who goes on and on, among all those.
    texts.push(badCall(persistent));
    count.sent += texts.length;
    socket.write(texts.join(''));
    // The last answer is not known to be whole.
    while (count.answered < count.sent - 1) await new Promise<void>((resolve) => (wake = resolve));
  }
  socket.end();
  await closed;
  const last = rest.slice(9, 12);
  statuses[last] = (statuses[last] ?? 0) + 1;
  return statuses;
}

async function figure(name: string): Promise<number> {
  const text = await (await fetch(`${program.adminUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(name));
  if (line === undefined) throw new Error(`no ${name} in ${text}`);
  return Number(line.split(' ').at(-1));
}

it(`${addresses} addresses that try one key each leave memory flat, and hide nobody who goes on`, async () => {
  const rounds = 20;
  const heaps: Record<'main' | 'worker 0', number[]> = { main: [], 'worker 0': [] };
  const statuses: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    const [from, to] = [round, round + 1].map((at) => (at * addresses) / rounds) as [number, number];
    for (const [status, count] of Object.entries(await flood(from, to)))
      statuses[status] = (statuses[status] ?? 0) + count;
    for (const thread of ['main', 'worker 0'] as const)
      heaps[thread].push(await figure(`polymorph_heap_bytes{thread="${thread}"}`));
  }
  expect((statuses['401'] ?? 0) + (statuses['403'] ?? 0)).toBe(addresses + addresses / piece);
  expect(statuses['401']).toBeGreaterThanOrEqual(addresses);
  expect(statuses['403']).toBeGreaterThan(0);
  await eventually(async () => (await figure('polymorph_bans_made_total{by="auto"}')) === 1, 5000);
  const answer = await send(program.port, { headers: { 'x-forwarded-for': persistent }, body });
  expect(answer.status).toBe(403);
  for (const [thread, found] of Object.entries(heaps)) {
    // The least of some: what is left after a collection. 25,000 addresses kept would be 10 MB and more, a million 400.
    const grown = Math.min(...found.slice(-8)) - Math.min(...found.slice(4, 12));
    expect(grown, `${thread}: ${found.join()}`).toBeLessThan(addresses > 100_000 ? 40e6 : 20e6);
  }
}, 300_000);
