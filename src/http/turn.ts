/** Something that has bytes to send at the end of this event-loop turn. */
export interface TurnTask {
  flush(): void;
}

/**
 * The end of an event-loop turn. Answers made in one turn wait here and leave together, after the turn's
 * usage was committed: what a caller has received is always on record first.
 */
export interface Turn {
  /** Flushes `task` once at the end of this turn. The caller sees to it that it enrols itself once. */
  defer(task: TurnTask): void;
  /**
   * Flushes now what waits, as at the end of the turn: for who makes so much in one turn that it should not pile up.
   * Does nothing while tasks are being flushed.
   */
  settle(): void;
  /** Commits the turn's usage so far: for who cannot wait for the end of the turn with what it sends. */
  commit(): void;
}

/**
 * @param commit runs before any answer of the turn leaves; must not throw for what one call did
 * @param schedule runs its argument once the present poll phase is over; `setImmediate` by default
 */
export function createTurn(commit: () => void, schedule: (run: () => void) => unknown = setImmediate): Turn {
  let tasks: TurnTask[] = [];
  let flushing: TurnTask[] = [];
  let running = false;

  function run(): void {
    const due = tasks;
    tasks = flushing;
    flushing = due;
    running = true;
    commit();
    for (const task of due) task.flush();
    due.length = 0;
    running = false;
  }

  return {
    defer(task) {
      if (tasks.push(task) === 1) schedule(run);
    },
    settle() {
      if (!running && tasks.length > 0) run();
    },
    commit,
  };
}
