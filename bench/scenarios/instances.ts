import type { Context } from '../context.ts';
import { measureCpu } from '../cpu.ts';
import type { Figure } from '../figures.ts';
import { admitAll, type Polymorph, startPolymorph, withoutCache } from '../servers/polymorph.ts';
import { startRedis } from '../servers/redis.ts';
import type { Server } from '../servers/server.ts';
import { startUpstream } from '../servers/upstream.ts';
import { median, rotated } from '../statistics.ts';
import { verifyAnswers, verifyHeaders } from '../verify.ts';

/** What sharing limits over Redis costs: one worker, beside two instances that share its limits and take no calls. */
export interface Instances {
  /** CPU of main and worker a request, µs, each round. */
  memory: number[];
  leased: number[];
  exact: number[];
  /** Exact decisions a second as fast as they come, and of one core by CPU; medians. */
  exactPerSecond: number;
  exactPerCore: number;
}

/** The same rules, exact; the ceiling stays leased, as it is no caller's own. */
const exactRules = admitAll.replaceAll(' }\n', ', consistency: exact }\n');

const companions = 2;

export async function measureInstances(context: Context): Promise<Instances> {
  context.progress('instances: three of them, and Redis');
  const { cores, options } = context;
  const node = await startUpstream(context, 'instances-upstream', cores.upstream);
  const redis = await startRedis(context);
  const start = (name: string, limits: string, shared: boolean): Promise<Polymorph> =>
    startPolymorph(context, {
      ...{ name, mode: 'single', upstreamPorts: [node.port], workers: 1, cores: cores.proxy },
      ...{ ...withoutCache, limits, more: shared ? `redis: ${redis.url}` : '' },
    });
  const variants = {
    memory: await start('instances-memory', admitAll, false),
    leased: await start('instances-leased', admitAll, true),
    exact: await start('instances-exact', exactRules, true),
  };
  const others: Server[] = [];
  for (let index = 0; index < companions; index++)
    others.push(await start(`instances-other-${index}`, admitAll, true));
  for (const server of Object.values(variants))
    context.faults.push(...(await verifyAnswers(server, node)), ...(await verifyHeaders(server)));

  const samples: Record<keyof typeof variants, number[]> = { memory: [], leased: [], exact: [] };
  const perSecond: number[] = [];
  const names = Object.keys(variants) as (keyof typeof variants)[];
  for (let round = 0; round < options.rounds; round++) {
    context.progress(`instances, round ${round + 1} of ${options.rounds}`);
    for (const name of rotated(names, round)) {
      const { microsPerRequest, requestsPerSecond } = await measureCpu(
        context,
        `instances, ${name}`,
        variants[name],
      );
      samples[name].push(microsPerRequest);
      if (name === 'exact') perSecond.push(requestsPerSecond);
    }
  }
  for (const server of [...Object.values(variants), ...others, redis, node]) await server.stop();
  return {
    ...samples,
    exactPerSecond: median(perSecond),
    exactPerCore: 1e6 / median(samples.exact),
  };
}

export function instancesFigures({ memory, leased, exact, ...rest }: Instances): Figure[] {
  const ratio = (of: readonly number[]): number => median(of.map((micros, round) => micros / memory[round]!));
  const target = { atLeast: 20_000 };
  return [
    { name: 'CPU, leased limits', value: ratio(leased), unit: '× memory', target: { atMost: 1.03 } },
    { name: 'CPU, exact limits', value: ratio(exact), unit: '× memory', target: { atMost: 2 } },
    { name: 'exact decisions a second, reached', value: rest.exactPerSecond, unit: '/s', target },
    { name: 'exact decisions a second of one core, by CPU', value: rest.exactPerCore, unit: '/s', target },
  ];
}
