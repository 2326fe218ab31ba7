import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createKeyIndexReader, digestOfKey } from '../../identity/index.ts';

/** A stand-in for the gateway's worker: beats, answers the protocol, and misbehaves when told to. */
interface StubData {
  slot: number;
  slab: SharedArrayBuffer;
  throwAtStart?: boolean;
  hangAtStart?: boolean;
  snapshot?: { generation: number; keyIndex: SharedArrayBuffer };
}

const given = workerData as StubData | { begin: MessagePort };
const start = 'begin' in given ? ((await once(given.begin, 'message')) as [StubData])[0] : given;
if ('begin' in given) given.begin.close();
const { slot, slab, throwAtStart, hangAtStart, snapshot } = start;
const port = parentPort;
if (port === null) throw new Error('not a worker');
if (throwAtStart === true) throw new Error(`slot ${slot} cannot start`);
if (hangAtStart === true) for (;;);

const counters = new Float64Array(slab);
setInterval(() => {
  counters[0] = (counters[0] ?? 0) + 1;
}, 10);

/** Of the first key of the tests' config. */
const keyNumber = (): number => {
  const keys = createKeyIndexReader(snapshot!.keyIndex);
  return keys.keyNumber(keys.find(digestOfKey('canary-canary-canary-01')));
};

const held: unknown[] = [];
const vices: Record<string, () => void> = {
  throw: () => {
    throw new Error('a fault in the stub');
  },
  exit: () => process.exit(3),
  loop: () => {
    for (;;);
  },
  hog: () => {
    for (;;) held.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
  },
  write: () => process.stdout.write('written by a worker\n'),
};

port.on(
  'message',
  (message: {
    type: string;
    only?: number;
    ask?: number;
    requestId?: string;
    snapshot?: { generation: number };
  }) => {
    if (message.only !== undefined && message.only !== slot) return;
    if (message.type === 'drain') {
      port.postMessage({ type: 'drained' });
      port.close();
    } else if (message.type === 'explain') {
      const records =
        message.requestId === `made-by-${slot}`
          ? [{ requestId: message.requestId, item: -1, caller: { keyNumber: keyNumber() } }]
          : [];
      if (message.requestId !== 'silence') port.postMessage({ type: 'explained', ask: message.ask, records });
    } else if (message.type === 'policy') {
      port.postMessage({ type: 'applied', generation: message.snapshot?.generation });
    } else vices[message.type]?.();
  },
);
port.postMessage({ type: 'ready', port: 1, generation: snapshot?.generation });
