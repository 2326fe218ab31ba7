import { join } from 'node:path';
import type { Context } from '../context.ts';
import { verifyAnswers, verifyHeaders, verifyKeeping, verifyRefusal } from '../verify.ts';
import { type Everything, startEverything } from './everything.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import {
  holdingCache,
  type Mode,
  type Polymorph,
  type Setup,
  startPolymorph,
  withoutCache,
} from './polymorph.ts';
import type { Server } from './server.ts';
import { startUpstream } from './upstream.ts';

/** All that is compared, on the same core, and the node behind it. Only the one under load uses the core. */
export interface Fleet {
  node: Server;
  /** A node in the proxy's place: what the load itself costs there. */
  direct: Server;
  nginx: Server;
  haproxy: Server;
  /** Everything on. Not there if it did not start, which is a fault of the run. */
  ours: Record<Mode, Polymorph> | undefined;
  /** All but the cache and the joining of calls; where the program knows neither, the same as `ours`. */
  plain: Record<Mode, Polymorph> | undefined;
  /** Not there either if the program has no cache. */
  cached: Polymorph | undefined;
  /** `plain.single` with journal and ledger. Not there if the program keeps no usage. */
  metered: Polymorph | undefined;
  /** All features at once, in each mode. Not there if the program keeps no usage or knows no Redis. */
  everything: Record<Mode, Polymorph> | undefined;
  stop(): Promise<void>;
}

/** Starts everything and checks that everything answers right before any of it is measured. */
export async function startFleet(context: Context): Promise<Fleet> {
  const node = await startUpstream(context, 'upstream', context.cores.upstream);
  const direct = await startUpstream(context, 'direct', context.cores.proxy);
  const nginx = await startNginx(context, node.port);
  const haproxy = await startHaproxy(context, node.port);
  const { ours, plain, cached, metered, everything } = await startOurs(context, node.port);
  const whole = Object.values(everything?.servers ?? {});
  const keeping = [...Object.values(ours ?? {}), ...whole, ...(cached ? [cached] : [])];
  const others = [...Object.values(plain ?? {}), ...(metered ? [metered] : [])];
  const modes = [...new Set([...keeping, ...others])];
  for (const server of [nginx, haproxy, ...modes, ...(cached ? [cached] : [])]) {
    // what has a cache is asked twice: it answers from it the second time
    context.faults.push(...(await verifyAnswers(server, node)));
  }
  for (const server of modes) {
    context.faults.push(...(await verifyHeaders(server)), ...(await verifyRefusal(server)));
  }
  if (context.knowsUpstreams) {
    for (const server of keeping) context.faults.push(...(await verifyKeeping(server, node)));
  }
  if (everything) context.faults.push(...(await everything.faults()));
  const stop = async () => {
    await everything?.stop();
    for (const server of [...modes, haproxy, nginx, direct, node]) await server.stop();
  };
  return {
    node,
    direct,
    nginx,
    haproxy,
    ours,
    plain,
    cached,
    metered,
    everything: everything?.servers,
    stop,
  };
}

const without = { cached: undefined, metered: undefined, everything: undefined };

async function startOurs(
  context: Context,
  upstreamPort: number,
): Promise<Pick<Fleet, 'ours' | 'plain' | 'cached' | 'metered'> & { everything: Everything | undefined }> {
  const { proxy: cores } = context.cores;
  const start = (setup: Pick<Setup, 'name' | 'mode' | 'cache' | 'coalesce' | 'stateDir'>) => {
    return startPolymorph(context, { ...setup, upstreamPorts: [upstreamPort], workers: 1, cores });
  };
  const inModes = async (suffix: string, setup: Pick<Setup, 'cache' | 'coalesce'>) => ({
    single: await start({ name: `single${suffix}`, mode: 'single', ...setup }),
    pipelined: await start({ name: `pipelined${suffix}`, mode: 'pipelined', ...setup }),
    batched: await start({ name: `batched${suffix}`, mode: 'batched', ...setup }),
  });
  try {
    const plain = await inModes('', withoutCache);
    if (!context.knowsUpstreams) return { ours: plain, plain, ...without };
    const ours = await inModes('-with-cache', {});
    const cached = await start({ name: 'cached', mode: 'single', cache: holdingCache });
    const stateDir = join(context.directory, 'metered');
    const metered = context.knowsStore
      ? await start({ name: 'metered', mode: 'single', ...withoutCache, stateDir })
      : undefined;
    const everything =
      context.knowsStore && context.knowsRedis ? await startEverything(context, upstreamPort) : undefined;
    return { ours, plain, cached, metered, everything };
  } catch (error) {
    context.faults.push(`PolymorphProxy was not measured: ${String(error)}`);
    return { ours: undefined, plain: undefined, ...without };
  }
}
