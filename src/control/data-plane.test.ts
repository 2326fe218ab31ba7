import { expect, it } from 'vitest';
import { callText } from '../gateway/testing/client.ts';
import { closeGateways, startTestGateway } from '../gateway/testing/gateway.ts';
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
  const rise = async (work: () => Promise<unknown>): Promise<number> => {
    const before = life();
    await work();
    return life() - before;
  };
  expect(await rise(() => gateway.call())).toBe(1);
  expect(await rise(() => gateway.call('eth_call', { lane: 'fallback' }))).toBe(1);
  // That it came, and that it was handled.
  expect(await rise(() => socket.ask(callText()))).toBe(2);
  expect(await rise(() => socket.ask('a message that is no call'))).toBe(2);
  await closeGateways();
});
