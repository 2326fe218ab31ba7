import { cpuMicros } from './accounting.ts';
import type { Context } from './context.ts';
import { runWrk } from './load/wrk.ts';
import type { Server } from './servers/server.ts';

export interface CpuSample {
  microsPerRequest: number;
  requestsPerSecond: number;
}

/** CPU a request of all that the server is, under calls that it must all let through; what went wrong is a fault of the run. */
export async function measureCpu(context: Context, name: string, server: Server): Promise<CpuSample> {
  const { options, files, faults } = context;
  await runWrk(context, server.port, files.admitted, 1, 1);
  const before = cpuMicros(server.pids);
  const summary = await runWrk(context, server.port, files.admitted, 1, options.seconds);
  const cpu = cpuMicros(server.pids) - before;
  const { requests, microseconds, status, connect, read, write, timeout } = summary;
  const errors = connect + read + write + timeout;
  if (requests === 0 || status + errors > 0)
    faults.push(`${name}: ${requests} answers, ${status} of them refused; ${errors} errors`);
  return { microsPerRequest: cpu / requests, requestsPerSecond: (requests * 1e6) / microseconds };
}
