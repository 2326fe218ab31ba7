import type { Context } from '../context.ts';
import { verifyAnswers, verifyHeaders, verifyKeeping, verifyRefusal } from '../verify.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { holdingCache, type Mode, type Polymorph, type Setup, startPolymorph } from './polymorph.ts';
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
  /** Not there either if the program has no cache. */
  cached: Polymorph | undefined;
  stop(): Promise<void>;
}

/** Starts everything and checks that everything answers right before any of it is measured. */
export async function startFleet(context: Context): Promise<Fleet> {
  const node = await startUpstream(context, 'upstream', context.cores.upstream);
  const direct = await startUpstream(context, 'direct', context.cores.proxy);
  const nginx = await startNginx(context, node.port);
  const haproxy = await startHaproxy(context, node.port);
  const { ours, cached } = await startOurs(context, node.port);
  const modes = [...Object.values(ours ?? {}), ...(cached ? [cached] : [])];
  for (const server of [nginx, haproxy, ...modes, ...(cached ? [cached] : [])]) {
    // what has a cache is asked twice: it answers from it the second time
    context.faults.push(...(await verifyAnswers(server, node)));
  }
  for (const server of modes) {
    context.faults.push(...(await verifyHeaders(server)), ...(await verifyRefusal(server)));
    if (context.knowsUpstreams) context.faults.push(...(await verifyKeeping(server, node)));
  }
  const stop = async () => {
    for (const server of [...modes, haproxy, nginx, direct, node]) await server.stop();
  };
  return { node, direct, nginx, haproxy, ours, cached, stop };
}

async function startOurs(context: Context, upstreamPort: number): Promise<Pick<Fleet, 'ours' | 'cached'>> {
  const { proxy: cores } = context.cores;
  const start = (setup: Pick<Setup, 'name' | 'mode' | 'cache'>) => {
    return startPolymorph(context, { ...setup, upstreamPorts: [upstreamPort], workers: 1, cores });
  };
  const inMode = (mode: Mode) => start({ name: mode, mode });
  try {
    const ours = {
      single: await inMode('single'),
      pipelined: await inMode('pipelined'),
      batched: await inMode('batched'),
    };
    if (!context.knowsUpstreams) return { ours, cached: undefined };
    return { ours, cached: await start({ name: 'cached', mode: 'single', cache: holdingCache }) };
  } catch (error) {
    context.faults.push(`PolymorphProxy was not measured: ${String(error)}`);
    return { ours: undefined, cached: undefined };
  }
}
