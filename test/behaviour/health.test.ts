import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Anvil, noAnvil, startAnvil } from '../anvil.ts';
import { type LogLine, type Program, startProgram } from '../program.ts';

/** What `/readyz` says of one network. */
interface Shown {
  head: { number: number } | null;
  upstreams: { upstream: string; state: string; reason: string | null; downs: number }[];
}

const chainId = 31_337;
let good: Anvil;
let other: Anvil;
let program: Program;

const config = (expected: number | null) => ({
  server: { workers: 1 },
  chain_id: expected ?? 'none',
  upstreams: [
    { name: 'good', url: good.url },
    { name: 'other', url: other.url },
  ],
  limits: { default: 'none' },
});

beforeAll(async () => {
  if (noAnvil) return;
  [good, other] = await Promise.all([startAnvil(), startAnvil(['--chain-id', '5'])]);
  program = await startProgram({ config: config(chainId) });
});
afterAll(async () => {
  await program?.kill();
  await Promise.all([good?.stop(), other?.stop()]);
});

const call = async (url: string, method: string, params: unknown[] = []): Promise<unknown> => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return ((await answer.json()) as { result: unknown }).result;
};

const shown = async (): Promise<Shown> => {
  const { checks } = (await (await fetch(`${program.adminUrl}/readyz`)).json()) as {
    checks: { name: string; networks?: Shown[] }[];
  };
  return checks.find(({ name }) => name === 'upstreams')!.networks![0]!;
};

const untilShown = async (what: (now: Shown) => boolean): Promise<number> => {
  const began = performance.now();
  for (let now = await shown(); !what(now); now = await shown()) {
    if (performance.now() - began > 10_000) throw new Error(`not so within 10 s: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - began;
};

const at = ({ time }: LogLine): number => Date.parse(time);

it.skipIf(noAnvil)('a node on another chain is found out at once and never called', async () => {
  const down = await program.waitFor('other is down');
  expect(down).toMatchObject({ level: 'warn', event: 'upstream.down', reason: 'wrong chain' });
  expect(at(down) - at(await program.waitFor('"msg":"serving"'))).toBeLessThan(1000);
  const ids = await Promise.all(Array.from({ length: 50 }, () => call(program.url, 'eth_chainId')));
  expect(new Set(ids)).toEqual(new Set(['0x7a69']));
  expect((await shown()).upstreams).toMatchObject([
    { upstream: 'good', state: 'up' },
    { upstream: 'other', state: 'down', reason: 'wrong chain' },
  ]);
  expect((await fetch(`${program.adminUrl}/readyz`)).status).toBe(200);
});

it.skipIf(noAnvil)('the head follows the chain', async () => {
  await call(good.url, 'anvil_mine', ['0x5']);
  expect(await untilShown(({ head }) => head?.number === 5)).toBeLessThan(3000);
});

it.skipIf(noAnvil)(
  'a node that is killed is down, and up within 2 s once it is back, with its new chain',
  async () => {
    const { port } = new URL(good.url);
    const from = program.logs().length;
    await good.stop();
    const killed = performance.now();
    await program.waitFor('good is down', from);
    expect(performance.now() - killed).toBeLessThan(4000);
    expect((await fetch(`${program.adminUrl}/readyz`)).status).toBe(200);

    good = await startAnvil(['--port', port]);
    const back = performance.now();
    const up = await program.waitFor('good is up again', from);
    expect(performance.now() - back).toBeLessThan(2000);
    expect(up['downMs']).toBeGreaterThan(0);
    await untilShown(({ head }) => head?.number === 0);
    expect(await call(program.url, 'eth_chainId')).toBe('0x7a69');
  },
);

it.skipIf(noAnvil)('a reload that names another chain turns them over', async () => {
  const from = program.logs().length;
  expect((await program.reload(config(5))).msg).toMatch(/config reloaded/);
  await program.waitFor('good is down: wrong chain', from);
  // Nothing is known of any of them any more: it is not up again, it is up.
  await untilShown(({ upstreams: [first, second] }) => first?.state === 'down' && second?.state === 'up');
  expect(await call(program.url, 'eth_chainId')).toBe('0x5');
  // Two against each other and none named: the first in the config is right.
  await program.reload(config(null));
  await untilShown(({ upstreams: [first, second] }) => first?.state === 'up' && second?.state === 'down');
  expect(await call(program.url, 'eth_chainId')).toBe('0x7a69');
});

it.skipIf(noAnvil)('checks end with the drain', async () => {
  expect(await program.stop()).toEqual({ code: 0, signal: null });
});
