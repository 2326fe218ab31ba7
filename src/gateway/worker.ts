import { parentPort, workerData } from 'node:worker_threads';
import type { ToWorker, WorkerStart } from './messages.ts';
import { trimHeap } from './trim-heap.ts';
import { createWorkerGateway } from './worker-gateway.ts';

/** Entry of a worker thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const gateway = createWorkerGateway(workerData as WorkerStart, (message) => port.postMessage(message));

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'policy':
      return gateway.apply(message.snapshot);
    case 'keys':
      return gateway.lookAtKeys();
    case 'tls':
      return gateway.setTls(message);
    case 'explain':
      return gateway.explain(message.ask, message.requestId);
    case 'hub':
      return gateway.hear(message.message);
    case 'drain':
      void gateway.drain(message.deadlineMs).then(() => port.close());
  }
});

trimHeap();
await gateway.listen();
