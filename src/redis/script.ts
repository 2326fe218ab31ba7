import { createHash } from 'node:crypto';

/** Lua that Redis runs as one step. */
export interface Script {
  text: string;
  /** What EVALSHA calls it by. */
  sha: string;
}

/** A client of Redis, as scripts need it. Its commands end in time, by an error where none answers. */
export interface ScriptClient {
  evalsha(sha: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  eval(text: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

export function createScript(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

export async function callScript(
  client: ScriptClient,
  { text, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    // Restarted, failed over, a slot that moved, or the first call of all: EVAL leaves it there for the next.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(text, keys.length, ...keys, ...args);
  }
}
