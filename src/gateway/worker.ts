import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openLeaseState } from '../limits/index.ts';
import { counters } from '../metrics/index.ts';
import { trimWhenQuiet } from '../threads/index.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { openRedisConnection } from './sharing/redis-connection.ts';
import { createWorkerGateway } from './worker-gateway.ts';

/** Without a call: then what the start left on the heap is given back, for which callers would wait some 40 ms. */
const QUIET_MS = 1000;

/** Entry of a worker thread: the messages of main, and nothing else. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const start = await whenStarted(workerData as WorkerStart | { begin: MessagePort });
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
trimWhenQuiet(callsSoFar, QUIET_MS);

function callsSoFar(): number {
  const slab = new Float64Array(start.slab);
  return [counters.requestsFast, counters.requestsFallback, counters.socketMessages].reduce(
    (sum, at) => sum + slab[at]!,
    0,
  );
}

/** Main may let a thread read its modules before it can say what it is to serve. */
async function whenStarted(given: WorkerStart | { begin: MessagePort }): Promise<WorkerStart> {
  if (!('begin' in given)) return given;
  const [told] = (await once(given.begin, 'message')) as [WorkerStart];
  given.begin.close();
  return told;
}
