import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Preloaded into main and the data plane's workers of the real program: the heap that they tell of is what is alive. Without this it is as much garbage
 * as the collector has let lie by then, tens of MB of it, and of a run of half a minute nobody could say whether it grew. The
 * store's thread tells of no heap: what it keeps is in the process's memory only.
 */
const COLLECT_MS = 2500;

v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const { getHeapStatistics } = v8;
let alive: ReturnType<typeof getHeapStatistics> | undefined;
let collectedMs = 0;

v8.getHeapStatistics = () => {
  if (alive === undefined || performance.now() - collectedMs >= COLLECT_MS) {
    collect();
    alive = getHeapStatistics();
    collectedMs = performance.now();
  }
  return alive;
};
syncBuiltinESMExports();
