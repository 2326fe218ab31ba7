import { setTimeout as delay } from 'node:timers/promises';
import { nodeVices } from '../fakes/node-vices.ts';
import type { Program } from '../program.ts';
import type { RedisServer } from '../redis/server.ts';
import type { PostgresServer } from '../../src/store/testing/postgres.ts';
import type { SoakNode, SoakNodes } from './nodes.ts';
import type { Sky, Trouble } from './sky.ts';

/** What a gateway stands on, and what can be done to it. */
export interface Ground {
  sky: Sky;
  nodes: SoakNodes;
  programs(): readonly Program[];
  redis?: RedisServer;
  postgres?: PostgresServer;
}

/** One thing that goes wrong and is mended after so long. `pick`: 0 to 1, which of several. Says what it did. */
export type Fault = (ground: Ground, lastMs: number, pick: number) => Promise<string>;

/** From a node's return until the last consequence: checks, pauses, breakers. */
const NODE_TAIL_MS = 6000;
const WORKER_TAIL_MS = 3500;
const STORE_TAIL_MS = 10_000;
const REDIS_TAIL_MS = 5000;

/** While `work` lasts, and so long beyond. */
export async function spell(
  sky: Sky,
  trouble: Trouble,
  tailMs: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const end = sky.begin(trouble, tailMs);
  try {
    await work();
  } finally {
    end();
  }
}

function one<T>(list: readonly T[], pick: number): T {
  return list[Math.floor(pick * list.length)]!;
}

function ofNode(what: string, begin: (node: SoakNode) => unknown, end: (node: SoakNode) => unknown): Fault {
  return async ({ sky, nodes }, lastMs, pick) => {
    const node = one(nodes.nodes, pick);
    await spell(sky, 'node', NODE_TAIL_MS, async () => {
      await begin(node);
      await delay(lastMs);
      await end(node);
    });
    return `${what} (${node.url})`;
  };
}

/** Every way to misbehave, one at a time. */
const vices = Object.entries(nodeVices);

export const nodeFaults: Record<string, Fault> = {
  'a node is killed': ofNode(
    'a node is killed',
    (node) => node.kill(),
    (node) => node.revive(),
  ),
  'a node resets its connections': ofNode(
    'a node resets its connections',
    (node) => node.drop(true),
    (node) => node.drop(true),
  ),
  'a node is slow': ofNode(
    'a node is slow',
    (node) => node.beLate(400),
    (node) => node.beLate(0),
  ),
  'a node misbehaves': async (ground, lastMs, pick) => {
    const [name, { vice }] = one(vices, (pick * 7919) % 1);
    const misbehave = ofNode(
      `a node ${name}`,
      (node) => node.behave(vice),
      (node) => {
        node.behave({});
        // Or what is half open stays so.
        node.drop(false);
      },
    );
    if (!name.endsWith('too large an answer')) return misbehave(ground, lastMs, pick);
    let told = '';
    await spell(ground.sky, 'oversized', 0, async () => {
      told = await misbehave(ground, lastMs, pick);
    });
    return told;
  },
};

export const workerFaults: Record<string, Fault> = {
  'a worker dies': async ({ sky, programs }, lastMs, pick) => {
    const program = one(programs(), pick);
    await spell(sky, 'worker', WORKER_TAIL_MS, async () => {
      program.signal('SIGUSR2');
      await delay(Math.min(lastMs, 500));
    });
    return `a worker of ${program.pid} dies`;
  },
};

function ofRedis(
  what: string,
  begin: (redis: RedisServer) => unknown,
  end: (redis: RedisServer) => unknown,
): Fault {
  return async ({ sky, redis }, lastMs) => {
    await spell(sky, 'redis', REDIS_TAIL_MS, async () => {
      await begin(redis!);
      await delay(lastMs);
      await end(redis!);
    });
    return what;
  };
}

export const redisFaults: Record<string, Fault> = {
  'Redis is killed': ofRedis(
    'Redis is killed',
    (redis) => redis.kill(),
    (redis) => redis.start(),
  ),
  'Redis is frozen': ofRedis(
    'Redis is frozen',
    (redis) => redis.freeze(),
    (redis) => redis.thaw(),
  ),
  'Redis takes no writes': ofRedis(
    'Redis takes no writes',
    (redis) => redis.call('CONFIG', 'SET', 'min-replicas-to-write', 1),
    (redis) => redis.call('CONFIG', 'SET', 'min-replicas-to-write', 0),
  ),
};

function ofStore(
  what: string,
  begin: (postgres: PostgresServer) => unknown,
  end: (postgres: PostgresServer) => unknown,
): Fault {
  return async ({ sky, postgres }, lastMs) => {
    await spell(sky, 'store', STORE_TAIL_MS, async () => {
      await begin(postgres!);
      await delay(lastMs);
      await end(postgres!);
    });
    return what;
  };
}

export const storeFaults: Record<string, Fault> = {
  'PostgreSQL is stopped': ofStore(
    'PostgreSQL is stopped',
    (postgres) => postgres.halt('fast'),
    (postgres) => postgres.start(),
  ),
  'PostgreSQL is killed': ofStore(
    'PostgreSQL is killed',
    (postgres) => postgres.halt('crash'),
    (postgres) => postgres.start(),
  ),
  'PostgreSQL is frozen': ofStore(
    'PostgreSQL is frozen',
    (postgres) => postgres.freeze(),
    (postgres) => postgres.thaw(),
  ),
};
