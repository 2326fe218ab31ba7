import { expect, it } from 'vitest';
import { startTestGateway, closeGateways } from '../gateway/testing/gateway.ts';
import { connectSocket } from '../gateway/testing/socket.ts';
import { createCounterSlab, counters } from '../metrics/index.ts';
import { signsOfLife } from './data-plane.ts';

it('what a worker does is a sign of life before its timer ticks', async () => {
  const slab = createCounterSlab();
  const numbers = new Float64Array(slab);
  const gateway = await startTestGateway({}, { slab });
  const socket = await connectSocket(gateway.port);
  /** Beats of the timer aside. */
  const life = (): number => signsOfLife(numbers) - numbers[counters.heartbeat]!;
  const before = life();
  await gateway.call();
  expect(life()).toBe(before + 1);
  await gateway.call('eth_call', { lane: 'fallback' });
  expect(life()).toBe(before + 2);
  await socket.ask('a message that is no call');
  expect(life()).toBe(before + 3);
  await closeGateways();
});
