import { parentPort, workerData } from 'node:worker_threads';
import type { ExactStore } from '../limits/index.ts';
import { createExactStore, openRedis } from '../redis/index.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { trimHeap } from './trim-heap.ts';
import { createWorkerGateway } from './worker-gateway.ts';

/** Entry of a worker thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const start = workerData as WorkerStart;
const tell = (message: FromWorker): void => port.postMessage(message);
const gateway = createWorkerGateway(start, tell, { exact: await openExact(start.redis) });

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
    case 'leased':
      return gateway.leased(message.needs);
    case 'hub':
      return gateway.hear(message.message);
    case 'drain':
      void gateway.drain(message.deadlineMs).then(() => port.close());
  }
});

trimHeap();
await gateway.listen();

/** Where limits that other instances have as well are decided exactly, by a connection of this thread's own. */
async function openExact(redis: WorkerStart['redis']): Promise<ExactStore | undefined> {
  if (redis === null) return undefined;
  const { client, guard } = await openRedis(redis, Date.now);
  return createExactStore({ client, guard, prefix: redis.prefix, timeoutMs: redis.command_timeout });
}
