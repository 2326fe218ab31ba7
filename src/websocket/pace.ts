/** What jobs may take of one turn of the event loop, in milliseconds: calls that come meanwhile wait for no more. */
const SLICE_MS = 10;

/** Jobs one after the other, none of which holds the event loop for long. */
export interface Pace {
  /**
   * Runs `step` again and again until it returns true, once all that was added before is done: as far as it gets in this
   * turn's share at once, the rest in turns to come. A step should take much less than a millisecond.
   */
  add(step: () => boolean): void;
}

/** @param nowMs any steady clock; `later` runs its argument once the event loop has looked at its sockets */
export function createPace(nowMs: () => number, later: (run: () => void) => unknown = setImmediate): Pace {
  let jobs: (() => boolean)[] = [];
  let done = 0;
  let running = false;

  function run(): void {
    const until = nowMs() + SLICE_MS;
    while (done < jobs.length) {
      if (jobs[done]!()) done++;
      if (nowMs() >= until) break;
    }
    if (done < jobs.length) return void later(run);
    jobs = [];
    done = 0;
    running = false;
  }

  return {
    add(step) {
      jobs.push(step);
      if (running) return;
      running = true;
      run();
    },
  };
}
