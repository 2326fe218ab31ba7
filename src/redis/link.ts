import type { RedisSettings } from '../config/index.ts';
import { after } from './after.ts';
import { createBreaker, type RedisBreaker } from './breaker.ts';
import { createRedisClient, type RedisClient } from './client.ts';
import { type CommandCounts, countCommands } from './command-counts.ts';
import { probe } from './probe.ts';

/** One thread's connection to Redis, and what it knows of it. */
export interface RedisLink {
  client: RedisClient;
  /** Asked before each command, and told of each after it. */
  guard: RedisBreaker;
  counts: CommandCounts;
  /** Resolves once Redis serves, or after so many milliseconds. */
  untilThere(boundMs: number): Promise<void>;
  /** Ends the connection. */
  close(): void;
}

/**
 * Resolves once the driver is loaded; the connection is under way then, and `guard` open until Redis serves. Never rejects for what Redis
 * does.
 */
export async function openRedis(settings: RedisSettings, epochMs: () => number): Promise<RedisLink> {
  let heard = (_error: unknown): void => {};
  const client = await createRedisClient(settings, (error) => heard(error));
  const counts = countCommands(client);
  const guard = createBreaker({
    probe: () => probe(client, settings),
    epochMs,
    random: Math.random,
    after,
  });
  // What goes wrong while all is well is told by commands: a Sentinel or a node less is no trouble.
  heard = (error) => {
    if (guard.isOpen()) guard.lost(error);
  };
  client.on('ready', guard.connected);
  client.on('close', () => {
    if (!guard.isOpen()) guard.lost(new Error('the connection was lost'));
  });
  return {
    ...{ client, guard, counts },
    untilThere: (boundMs) =>
      new Promise((resolve) => {
        if (!guard.isOpen()) return resolve();
        const late = setTimeout(resolve, boundMs);
        guard.onChange(() => {
          clearTimeout(late);
          resolve();
        });
      }),
    close() {
      guard.stop();
      client.disconnect();
    },
  };
}
