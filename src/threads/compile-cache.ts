import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { constants, enableCompileCache } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';

const othersMayWrite = 0o022;
const sticky = 0o1000;

/**
 * What a start compiles is kept for the next, in a folder of the user's own; threads that are given `NODE_COMPILE_CACHE` read it too. Where
 * it cannot be written, or others could, all works without.
 */
export function keepCompiled(env: NodeJS.ProcessEnv): void {
  const { XDG_CACHE_HOME: caches, HOME: home } = env;
  const named = join(caches || join(home ?? '', '.cache'), 'polymorph-proxy/compile');
  const folder = isAbsolute(named) ? ownFolder(named) : null;
  if (folder !== null && enableCompileCache(folder).status === constants.compileCacheStatus.ENABLED)
    env['NODE_COMPILE_CACHE'] = folder;
}

/**
 * The real path of a folder, made where it is not there, into which nobody but `user` and root can write, or put another in its place: what is
 * kept there is run as code. null where there is none, as below a HOME of /tmp in which another user was first.
 */
export function ownFolder(path: string, user = process.getuid?.()): string | null {
  try {
    make(path);
    const folder = realpathSync(path);
    for (let at = folder; ; at = dirname(at)) {
      const { uid, mode } = statSync(at);
      if (uid !== user && uid !== 0) return null;
      // In a sticky folder nobody moves what is another's; but who comes first may add to it.
      if ((mode & othersMayWrite) !== 0 && (at === folder || (mode & sticky) === 0)) return null;
      if (at === dirname(at)) return folder;
    }
  } catch {
    return null;
  }
}

/** Level by level: `recursive` tries for ever where a file system says that a folder is not there which it does not let anyone make, as /proc does. */
function make(path: string): void {
  if (existsSync(path)) return;
  make(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another start was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
