import { rm } from 'node:fs/promises';
import { type Program, startProgram } from '../program.ts';
import { type StoreLoad, startStoreLoad } from '../store/load.ts';

/** A key that all instances have in their config. */
export const sharedKey = 'key-of-all-instances-0001';

export interface InstancesOptions {
  /** URL of the node that they all call. */
  node: string;
  /** The `redis` section. */
  redis: unknown;
  limits: object;
  count?: number;
  /** Further sections. */
  more?: object;
  env?: (index: number) => Readonly<Record<string, string>>;
  /** Where the state of each is kept; default: a folder of its own. */
  folder?: (index: number) => string;
}

/** Starts as many programs side by side, which share one Redis; ready once each knows of all. */
export async function startInstances(options: InstancesOptions): Promise<Program[]> {
  const { count = 3 } = options;
  return Promise.all(Array.from({ length: count }, (_, index) => startInstance(options, index)));
}

export function startInstance(
  { node, redis, limits, more, env, folder }: InstancesOptions,
  index = 0,
): Promise<Program> {
  return startProgram({
    config: {
      server: { workers: 1, drain_timeout: '5s' },
      upstreams: [{ url: node }],
      store: 'none',
      keys: [{ name: 'shared', key: sharedKey }],
      ...{ redis, limits, ...more },
    },
    env: env?.(index),
    folder: folder?.(index),
  });
}

export async function stopInstances(programs: readonly Program[]): Promise<void> {
  await Promise.all(programs.map((program) => program.kill()));
  await Promise.all(programs.map(({ folder }) => rm(folder, { recursive: true, force: true })));
}

/** What all clients of all instances saw. */
export interface SharedLoad {
  /** Calls that passed so far. */
  passed(): number;
  /** Calls that came to anything but 200, 429 and 402, by what they came to. */
  bad(): Record<string, number>;
  slowestMs(): number;
  /** Of the calls from now on. */
  forgetSlowest(): void;
  stop(): Promise<void>;
}

/** Calls of one key, some connections to each instance, each with a pause between its calls. */
export function startSharedLoad(
  programs: readonly Program[],
  connections: readonly number[],
  pauseMs: number,
  method = 'm',
): SharedLoad {
  const loads: StoreLoad[] = programs.map(({ port }, index) =>
    startStoreLoad(port, sharedKey, {
      ...{ connections: connections[index] ?? 1, pauseMs },
      method: () => method,
    }),
  );
  let from = loads.map(() => 0);
  return {
    passed: () => loads.reduce((sum, { received }) => sum + received, 0),
    bad() {
      const found: Record<string, number> = {};
      for (const { others } of loads)
        for (const [what, times] of Object.entries(others))
          if (what !== '429' && what !== '402') found[what] = (found[what] ?? 0) + times;
      return found;
    },
    slowestMs: () => Math.max(...loads.map((load, index) => load.slowestSinceMs(from[index]!))),
    forgetSlowest() {
      from = loads.map((load) => load.ended);
    },
    stop: async () => {
      await Promise.all(loads.map((load) => load.stop()));
    },
  };
}
