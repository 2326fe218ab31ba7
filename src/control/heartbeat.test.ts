import { expect, test } from 'vitest';
import { createHeartbeatWatch } from './heartbeat.ts';

test('a counter that stands still for the given looks is dead, one that moves is not', () => {
  let beat = 0;
  const watch = createHeartbeatWatch(() => beat, 3);
  expect([watch.look(), watch.look(), watch.look()]).toEqual([false, false, false]);
  beat += 1;
  expect([watch.look(), watch.look(), watch.look(), watch.look()]).toEqual([false, false, false, true]);
  watch.reset();
  expect(watch.look()).toBe(false);
});
