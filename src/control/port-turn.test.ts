import { expect, test } from 'vitest';
import { takePortTurn } from './port-turn.ts';

const port = 40_000 + (process.pid % 20_000);
const linux = process.platform === 'linux';

test.skipIf(!linux)('one at a time for a port, the next when it ends', async () => {
  const order: string[] = [];
  const first = await takePortTurn(port);
  const waiting = takePortTurn(port).then((end) => {
    order.push('second');
    return end;
  });
  (await takePortTurn(port + 1))();
  await new Promise((resolve) => setTimeout(resolve, 60));
  order.push('first ends');
  first();
  first();
  (await waiting)();
  expect(order).toEqual(['first ends', 'second']);
});

test.skipIf(!linux)('nobody waits for ever', async () => {
  const first = await takePortTurn(port);
  (await takePortTurn(port, { boundMs: 50 }))();
  first();
});

test('nobody waits for a port that the system chooses, nor where ports are not shared', async () => {
  for (const ask of [() => takePortTurn(0), () => takePortTurn(port, { platform: 'darwin' })]) {
    const ends = [await ask(), await ask()];
    for (const end of ends) end();
  }
});
