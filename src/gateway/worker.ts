import { once } from 'node:events';
import { MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openLeaseState } from '../limits/index.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { openRedisConnection } from './sharing/redis-connection.ts';
import { trimHeap } from '../threads/index.ts';
import { createWorkerGateway } from './worker-gateway.ts';

/** Entry of a worker thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
trimHeap();
const start = await whenStarted(workerData as WorkerStart | MessagePort);
const tell = (message: FromWorker): void => port.postMessage(message);
const { leases } = start.limits;
const connection =
  start.redis === null || leases === null ? undefined : await openRedisConnection(start.redis);
const gateway = createWorkerGateway(start, tell, { ...connection, connection });

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
      void gateway.drain(message.deadlineMs).then(() => {
        connection?.close();
        port.close();
      });
  }
});

if (leases !== null) await connection?.ready(openLeaseState(leases));
await gateway.listen();

/** Main may let a thread read its modules before it can say what it is to serve. */
async function whenStarted(given: WorkerStart | MessagePort): Promise<WorkerStart> {
  if (!(given instanceof MessagePort)) return given;
  const [start] = (await once(given, 'message')) as [WorkerStart];
  given.close();
  return start;
}
