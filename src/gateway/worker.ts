import { parentPort, workerData } from 'node:worker_threads';
import { createExactStore, createSharedStore, openRedis } from '../redis/index.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { trimHeap } from './trim-heap.ts';
import { createWorkerGateway, type SharingParts } from './worker-gateway.ts';

/** Entry of a worker thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const start = workerData as WorkerStart;
const tell = (message: FromWorker): void => port.postMessage(message);
const gateway = createWorkerGateway(start, tell, await openShared(start.redis));

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

/** Where limits are decided exactly and answers kept that other instances have as well, by a connection of this thread's own. */
async function openShared(redis: WorkerStart['redis']): Promise<SharingParts> {
  if (redis === null) return {};
  const { client, guard } = await openRedis(redis, Date.now);
  const options = { client, guard, prefix: redis.prefix, timeoutMs: redis.command_timeout };
  return { exact: createExactStore(options), answers: createSharedStore(options) };
}
