import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreStart, ToStore } from './messages.ts';
import { createStoreService } from './store-service.ts';

/** Entry of the store thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a thread');
const service = createStoreService({
  start: workerData as StoreStart,
  tell: (message) => port.postMessage(message),
  end: () => port.close(),
  epochMs: Date.now,
  random: randomBytes,
});
port.on('message', (message: ToStore) => service.hear(message));
