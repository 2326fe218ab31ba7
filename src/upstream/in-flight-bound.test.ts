import { expect, test } from 'vitest';
import { says, startNodes } from './testing/node-set.ts';

test('attempts that lost against a hedge count against max_in_flight as long as the node has them', async () => {
  const patient = { timeoutMs: 5000, firstByteTimeoutMs: 5000 };
  const set = await startNodes(
    [says.nothing(), says.result('"ok"')],
    {
      hedge: { quantile: 0.95, minDelayMs: 5, maxDelayMs: 5 },
      retry: { attempts: 3, backoffMs: 5, backoffMaxMs: 50, budget: 1 },
      timeoutMs: 5000,
      breaker: { windowMs: 1000, failures: 1000, failureRate: 1, openMs: 200, trials: 2 },
    },
    {},
    [{ maxInFlight: 2, ...patient, weight: 1e6 }, {}],
  );
  const bodies = () => set.nodes[0]!.bodies.length;
  const beganMs = performance.now();
  while (bodies() < 4 && performance.now() - beganMs < 900) {
    expect(await set.call().settled).toBe('result "ok"');
    expect(bodies()).toBeLessThanOrEqual(2);
  }
  expect(bodies()).toBe(2);
  // Once it has none of them any more it is asked again.
  while (bodies() < 3) expect(await set.call().settled).toBe('result "ok"');
});
