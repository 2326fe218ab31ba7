import { callText } from './client.ts';
import type { TestGateway } from './gateway.ts';
import { connectSocket, type TestSocket } from './socket.ts';

/** A key that the gateways of these tests have, and how. */
export const key = 'k'.repeat(32);
export const keys = [{ name: 'acme', key }];
export const connect = (
  gateway: TestGateway,
  over: Parameters<typeof connectSocket>[1] = {},
): Promise<TestSocket> => connectSocket(gateway.port, over);
export const headSubscription = callText('eth_subscribe', '1', '["newHeads"]');
