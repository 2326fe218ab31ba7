import { parentPort, workerData } from 'node:worker_threads';
import type { FromStore, StoreStart, ToStore } from '../store/messages.ts';

/** A stand-in for the store's thread: is up at once, and dies or is silent when an operation says so. */
const port = parentPort;
if (port === null) throw new Error('not a worker');
const { configKeys } = workerData as StoreStart;
const tell = (message: FromStore) => port.postMessage(message);
const journals = { lagBytes: 0, behindSinceMs: null, failures: 0, lastError: null, damage: [] };
tell({ type: 'state', state: { up: true, sinceMs: 1, problem: null, journals } });
port.on('message', (message: ToStore) => {
  if (message.type === 'close') tell({ type: 'closed', flushed: true });
  if (message.type !== 'ask' || message.name !== 'operation') return;
  const { name } = message.input as { name: string };
  if (name === 'die') throw new Error('a fault in the stand-in');
  if (name === 'hog')
    for (const held: unknown[] = []; ; ) held.push(Array.from({ length: 1000 }, () => ({})));
  if (name === 'keys') tell({ type: 'answer', ask: message.ask, answer: configKeys.length });
});
