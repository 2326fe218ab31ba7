import { expect, test } from 'vitest';
import { createAppliedTracker } from './applied.ts';

test('waits for all that are up, and for nobody longer than the bound', async () => {
  const tracker = createAppliedTracker(() => [0, 1]);
  tracker.applied(0, 1);
  tracker.applied(1, 1);
  expect(await tracker.everywhere(1, 1000)).toEqual({ late: [] });
  const second = tracker.everywhere(2, 60_000);
  tracker.applied(0, 2);
  tracker.applied(1, 3);
  expect(await second).toEqual({ late: [] });
  const third = tracker.everywhere(3, 10);
  expect(await third).toEqual({ late: [0] });
});
