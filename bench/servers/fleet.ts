import type { Context } from '../context.ts';
import { verifyAnswers, verifyHeaders, verifyRefusal } from '../verify.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { type Mode, type Polymorph, startPolymorph } from './polymorph.ts';
import type { Server } from './server.ts';
import { startUpstream } from './upstream.ts';

/** All that is compared, on the same core, and the node behind it. Only the one under load uses the core. */
export interface Fleet {
  node: Server;
  /** A node in the proxy's place: what the load itself costs there. */
  direct: Server;
  nginx: Server;
  haproxy: Server;
  /** Not there if it did not start, which is a fault of the run. */
  ours: Record<Mode, Polymorph> | undefined;
  stop(): Promise<void>;
}

/** Starts everything and checks that everything answers right before any of it is measured. */
export async function startFleet(context: Context): Promise<Fleet> {
  const node = await startUpstream(context, 'upstream', context.cores.upstream);
  const direct = await startUpstream(context, 'direct', context.cores.proxy);
  const nginx = await startNginx(context, node.port);
  const haproxy = await startHaproxy(context, node.port);
  const ours = await startOurs(context, node.port);
  const modes = ours === undefined ? [] : Object.values(ours);
  for (const server of [nginx, haproxy, ...modes]) {
    context.faults.push(...(await verifyAnswers(server, node)));
  }
  for (const server of modes) {
    context.faults.push(...(await verifyHeaders(server)), ...(await verifyRefusal(server)));
  }
  const stop = async () => {
    for (const server of [...modes, haproxy, nginx, direct, node]) await server.stop();
  };
  return { node, direct, nginx, haproxy, ours, stop };
}

async function startOurs(context: Context, upstreamPort: number): Promise<Fleet['ours']> {
  const start = (mode: Mode) => {
    return startPolymorph(context, {
      name: mode,
      mode,
      upstreamPort,
      workers: 1,
      cores: context.cores.proxy,
    });
  };
  try {
    return {
      single: await start('single'),
      pipelined: await start('pipelined'),
      batched: await start('batched'),
    };
  } catch (error) {
    context.faults.push(`PolymorphProxy was not measured: ${String(error)}`);
    return undefined;
  }
}
