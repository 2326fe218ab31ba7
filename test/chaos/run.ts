import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../src/store/testing/postgres.ts';
import { startRedis } from '../redis/server.ts';
import {
  type Fault,
  type Ground,
  nodeFaults,
  redisFaults,
  spell,
  storeFaults,
  workerFaults,
} from '../soak/faults.ts';
import { LIMIT, QUOTA, type Scene, startScene } from '../soak/scene.ts';
import { gather, judgeSecrets, judgeUsage } from '../soak/verdict.ts';
import { createFakeClock, type FakeClock } from '../store/fake-clock.ts';
import { eventually } from '../store/gateway.ts';
import { mountSmallDisk, type SmallDisk } from '../store/small-disk.ts';
import { createRandom, type Plan } from './plan.ts';

/** What a plan came to: nothing is wrong, or it is said in words. */
export interface Outcome {
  wrong: string[];
  told: string;
}

/** Of the load beside that of a soak. */
const PACE = 0.4;
/** From the last fault's end until no excuse holds any more, and some time beyond. */
const CALM_MS = 1000;
const READY_MS = 30_000;
const DISK_SIZE = '160m';
/** Between its calls nobody notices a spell's end to the millisecond. */
const SPELLS = ['node', 'nodes', 'process', 'frozen', 'worker', 'store', 'redis', 'disk', 'clock'] as const;

/** `library`: of faketime, where the plan's world needs it. */
export async function runPlan(plan: Plan, library: string | undefined): Promise<Outcome> {
  const { world, seed } = plan;
  const stack = new AsyncDisposableStack();
  const redis = world.redis ? stack.use(await startRedis()) : undefined;
  const postgres = world.store === 'postgres' ? await startPostgres({ durable: true }) : undefined;
  if (postgres !== undefined) stack.defer(() => postgres.stop());
  let disk: SmallDisk | undefined;
  let clock: FakeClock | undefined;
  let scene: Scene | undefined;
  try {
    scene = await startScene({
      ...{ name: 'chaos', instances: world.instances, workers: world.workers, mode: world.mode },
      ...{ random: createRandom(seed + 1), ...(postgres && { postgres }), ...(redis && { redis }) },
      prepare(folder) {
        if (world.disk) disk ??= mountSmallDisk(`${folder}/.polymorph`, DISK_SIZE);
        if (!world.clock) return;
        clock ??= createFakeClock(library!, folder);
        clock.set(new Date().toISOString());
      },
      clocks: world.clock,
      clear: () => disk?.remove(),
      // Of few calls some tenths are those that met a bad node: here they are all to be answered.
      more: { retry: { budget: '100%' } },
      env: (index) => (index === 0 && clock !== undefined ? clock.env : {}),
    });
    return await befall(plan, scene, { redis, postgres, disk, clock });
  } finally {
    await scene?.stop();
    await stack.disposeAsync();
  }
}

interface Things {
  redis: Ground['redis'];
  postgres: Ground['postgres'];
  disk: SmallDisk | undefined;
  clock: FakeClock | undefined;
}

async function befall(plan: Plan, scene: Scene, things: Things): Promise<Outcome> {
  const { sky, gateways, load } = scene;
  const { redis, postgres, disk, clock } = things;
  const { wrong } = load.judge;
  const ground: Ground = {
    ...{ sky, nodes: scene.nodes, programs: () => gateways.map(({ program }) => program) },
    ...(redis && { redis }),
    ...(postgres && { postgres }),
  };
  const faults: Record<string, Fault> = {
    ...{ ...nodeFaults, ...workerFaults, ...redisFaults, ...storeFaults, ...ownFaults(scene, things) },
  };
  let offsetMs = 0;
  const latest = { offsetMs };
  faults['the clock jumps'] = async (_, lastMs, pick) => {
    await spell(sky, 'clock', 5000, async () => {
      offsetMs += (pick < 0.5 ? -1 : 1) * (0.5 + pick) * 7_200_000;
      latest.offsetMs = Math.max(latest.offsetMs, offsetMs);
      clock!.set(new Date(Date.now() + offsetMs).toISOString());
      await delay(lastMs);
    });
    return `the clock is ${(offsetMs / 3_600_000).toFixed(1)} h off`;
  };
  faults['the disk is full'] = async (_, lastMs) => {
    await spell(sky, 'disk', 6000, async () => {
      disk!.fill();
      await delay(lastMs);
      disk!.free();
    });
    return 'the disk was full';
  };

  const done: string[] = [];
  const beganMs = performance.now();
  const at = (): string => ((performance.now() - beganMs) / 1000).toFixed(2);
  scene.begin(PACE);
  // On a crowded machine one may take longer than was planned: those of one subject wait for each other.
  const subjects = Map.groupBy(plan.faults, ({ subject }) => subject);
  await Promise.all(
    [...subjects.values()].map(async (faultsOfOne) => {
      for (const { atMs, lastMs, name, pick } of faultsOfOne) {
        await delay(Math.max(0, beganMs + atMs - performance.now()));
        const from = at();
        try {
          const what = await faults[name]!(ground, lastMs, pick);
          done.push(`  ${from} to ${at()} s: ${what}`);
        } catch (error) {
          wrong(`${name} could not be done: ${String(error)}`);
        }
      }
    }),
  );
  await scene.reload().catch((error: unknown) => wrong(`the last reload: ${String(error)}`));
  await eventually(() => {
    const nowMs = performance.now();
    return !SPELLS.some((trouble) => sky.during(trouble, nowMs, nowMs));
  }, READY_MS).catch((error: unknown) => wrong(String(error)));
  for (const gateway of gateways)
    await eventually(async () => (await gateway.readiness()) === 'ready', READY_MS).catch(
      async (error: unknown) =>
        wrong(`not ready again: ${String(error)} ${await (await gateway.page('/readyz')).text()}`),
    );
  await delay(CALM_MS);
  await scene.rest();
  // So that all that was counted is of the past, and all retries are due.
  clock?.set(new Date(Date.now() + latest.offsetMs + 3_600_000).toISOString());

  const evidence = await gather(scene, { from: '4d' });
  const { counts } = load.judge;
  const bounds = judgeBounds(scene);
  const undelivered = evidence.events.filter(({ id }) => !scene.hook.ids.has(id));
  const { calls, lost, ours, byOutcome } = counts;
  return {
    wrong: [
      ...counts.wrong,
      ...counts.oursText.map((text) => `an error of ours: ${text}`),
      ...judgeUsage(scene, evidence, false),
      ...judgeSecrets(scene.secrets(), evidence),
      ...scene.nodes.twice().map((text) => `sent twice: ${text}`),
      ...undelivered.map((event) => `never came to the webhook: ${JSON.stringify(event)}`),
      ...evidence.waiting.map((event) => `still waits: ${JSON.stringify(event)}`),
      ...evidence.dead.map((event) => `given up: ${JSON.stringify(event)}`),
      ...[...scene.hook.wrong, ...bounds],
    ],
    told: [
      `seed ${plan.seed}: ${calls} calls, ${lost} lost, ${ours} errors of ours, ${evidence.events.length} events; ${JSON.stringify(byOutcome)}`,
      ...done,
    ].join('\n'),
  };
}

/** Limits and quotas let no more pass than is published for what happened. */
function judgeBounds({ load, sky, gateways }: Scene): string[] {
  const [limited, metered] = ['limited', 'metered'].map(load.judge.of) as [CallerOf, CallerOf];
  const seconds = (limited.lastMs - limited.firstMs) / 1000;
  const { capacity, perSecond } = LIMIT;
  // A killed process begins with what it saved last; each loss or absence of Redis is one more.
  const losses = sky.count('process') + sky.count('redis') + sky.count('redis-loss');
  const away = (perSecond * sky.lengthMs('redis')) / 1000;
  const most = capacity * (1 + losses) + perSecond * seconds + away;
  const wrong: string[] = [];
  if (limited.passed > most) wrong.push(`${limited.passed} calls passed a limit of ${most.toFixed(0)}`);
  const alone = gateways.length === 1 && sky.count('store') === 0;
  if (metered.passed > QUOTA * (alone ? 1 : 2))
    wrong.push(`${metered.passed} calls passed a quota of ${QUOTA}`);
  return wrong;
}

type CallerOf = ReturnType<Scene['load']['judge']['of']>;

/** Those that are about the gateways themselves, and what only chaos does. */
function ownFaults(scene: Scene, { redis }: Things): Record<string, Fault> {
  const { sky, gateways, nodes } = scene;
  const which = (pick: number): number => Math.floor(pick * gateways.length);
  /** One is down for so long, and then started again. On a full disk it may not start, nor in time where the machine is crowded. */
  const away = async (index: number, lastMs: number, end: () => Promise<void>): Promise<void> => {
    await spell(sky, 'process', 5000, async () => {
      await end();
      await delay(lastMs);
      for (;;)
        try {
          return await scene.start(index);
        } catch (error) {
          const full = sky.during('disk', performance.now() - 1000, performance.now());
          if (!full && !String(error).includes('it was not ready in time')) throw error;
        }
    });
  };
  return {
    'all nodes are killed': async (_, lastMs) => {
      await spell(sky, 'nodes', 8000, async () => {
        for (const node of nodes.nodes) await node.kill();
        await delay(lastMs);
        for (const node of nodes.nodes) await node.revive();
      });
      return 'all nodes were killed';
    },
    'a gateway is killed': async (_, lastMs, pick) => {
      const { program } = gateways[which(pick)]!;
      await away(which(pick), lastMs, async () => void (await program.kill()));
      return `gateway ${which(pick)} was killed`;
    },
    'a gateway is drained': async (_, lastMs, pick) => {
      const { program } = gateways[which(pick)]!;
      await away(which(pick), lastMs, async () => {
        const { code } = await program.stop();
        if (code !== 0)
          scene.load.judge.wrong(`a drain ended with ${code}:\n${program.output().slice(-2000)}`);
      });
      return `gateway ${which(pick)} was drained`;
    },
    'a gateway is frozen': async (_, lastMs, pick) => {
      const { program } = gateways[which(pick)]!;
      await spell(sky, 'frozen', 6000, async () => {
        program.signal('SIGSTOP');
        await delay(lastMs);
        program.signal('SIGCONT');
      });
      return `gateway ${which(pick)} was frozen`;
    },
    'a reload': async () => {
      await scene.reload();
      return 'a reload';
    },
    'a bad reload': async () => {
      await scene.reload(true);
      return 'a bad reload';
    },
    'Redis forgets all': async () => {
      await spell(sky, 'redis-loss', 2000, () => redis!.call('FLUSHALL'));
      return 'Redis forgot all';
    },
  };
}
