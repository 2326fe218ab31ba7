import type { Cluster, Redis } from 'ioredis';
import type { RedisGuard } from '../breaker.ts';
import { noAnswer } from '../failure.ts';
import { callScript, type Script } from '../script.ts';
import type { ScriptMessage } from './script-message.ts';

export interface ScriptCallsOptions {
  /** Connected by whoever made it, and closed by them. Nothing waits in it: `enableOfflineQueue` off. */
  client: Redis | Cluster;
  guard: RedisGuard;
  /** An answer is not waited for longer. Milliseconds. */
  timeoutMs: number;
}

/** Calls `script`. Its whole numbers, or null: the guard is open, an error, or no answer in time. Never rejects. */
export type ScriptCall = (
  message: ScriptMessage,
  rest: readonly (string | number)[],
) => Promise<readonly number[] | null>;

export function createScriptCall(script: Script, options: ScriptCallsOptions): ScriptCall {
  const { client, guard, timeoutMs } = options;

  const run = (keys: string[], args: (string | number)[]) =>
    callScript(client, script, keys, args) as Promise<readonly number[]>;

  return (message, rest) => {
    if (guard.isOpen()) return Promise.resolve(null);
    return new Promise((resolve) => {
      // Whatever comes later finds the promise settled. What it took or granted is as in any lost answer.
      let over = false;
      const end = (answer: readonly number[] | null, error?: unknown): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        if (answer === null) guard.failed(error);
        else guard.succeeded();
        resolve(answer);
      };
      const timer = setTimeout(() => end(null, noAnswer()), timeoutMs);
      run(message.keys, message.args(rest)).then(end, (error: unknown) => end(null, error));
    });
  };
}
