import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScript, type Script } from '../script.ts';

/** Redis' own clock, the same for all instances. */
const clockOfRedis = "local now = redis.call('TIME')\nnow = now[1] * 1000000 + now[2]";

/**
 * A script of shared buckets, read from beside this file. `clock` is Lua that sets the local `now` (µs); tests say the time
 * themselves. It writes what it decided and not how, so that a replica holds the same whatever its clock.
 */
export function limitScript(name: 'take' | 'lease', clock = clockOfRedis): Script {
  const part = (file: string): string => readFileSync(join(import.meta.dirname, `${file}.lua`), 'utf8');
  return createScript(`${clock}\n${part('bucket')}\n${part(name)}`);
}
