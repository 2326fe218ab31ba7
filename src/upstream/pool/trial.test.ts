import { expect, it } from 'vitest';
import { type Behaviour, says, startNodes } from '../testing/node-set.ts';
import { sleep } from '../testing/caller.ts';

const fine = says.result('"fine"');

it('that is overtaken by its backup is lost: a node that hangs is left alone for longer each time', async () => {
  let first: Behaviour = says.reset();
  const set = await startNodes(
    [(x) => first(x), fine],
    { breaker: { windowMs: 1000, failures: 3, failureRate: 0.5, openMs: 100, trials: 2 }, timeoutMs: 3000 },
    {},
    [{ timeoutMs: 3000, firstByteTimeoutMs: 3000 }],
  );
  for (let k = 0; k < 6; k++) expect(await set.call().settled).toBe('result "fine"');
  expect(set.pool.stats()[0]!.breaker).toBe('open');
  first = says.nothing();
  const before = set.pool.totals().retries;
  // Two openings more: the second one lasts at least 200 ms.
  for (let round = 1; round <= 2; round++) {
    await sleep(round === 1 ? 260 : 500);
    const received = set.received()[0]!;
    expect(await set.call().settled).toBe('result "fine"');
    expect(set.received()[0]).toBe(received + 1);
    expect(set.pool.stats()[0]!.breaker).toBe('open');
    for (let k = 0; k < 5; k++) await set.call().settled;
    expect(set.received()[0]).toBe(received + 1);
  }
  // Backups beside a trial are no hedges where there are none.
  expect(set.pool.totals()).toMatchObject({ hedges: 0, hedgesWon: 0 });
  expect(set.pool.totals().retries - before).toBe(2);
  expect(set.pool.stats().map(({ hedges }) => hedges)).toEqual([0, 0]);
});

it('of a node that is well again closes the breaker', async () => {
  let first: Behaviour = says.reset();
  const set = await startNodes([(x) => first(x), says.after(40, fine)], {
    breaker: { windowMs: 1000, failures: 3, failureRate: 0.5, openMs: 100, trials: 2 },
  });
  for (let k = 0; k < 6; k++) await set.call().settled;
  expect(set.pool.stats()[0]!.breaker).toBe('open');
  first = says.after(5, says.result('"mine"'));
  await sleep(260);
  expect(await set.call().settled).toBe('result "mine"');
  expect(await set.call().settled).toBe('result "mine"');
  expect(set.pool.stats()[0]!.breaker).toBe('closed');
});
