/** Of one turn: 0.5 to 2 ms where each has to be looked up anew. */
const AT_ONCE = 500;

/**
 * Visits all of a collection that may be too large for one turn; what comes while it does may be visited or not. Asked for while one
 * is under way, another follows it: what was visited already may have changed.
 *
 * @param all in an order that bears changes on the way, as that of a Map does
 * @param schedule runs its argument in a later turn; `setImmediate` by default
 */
export function createWalk<Item>(
  all: () => Iterator<Item>,
  visit: (item: Item) => void,
  schedule: (run: () => void) => unknown = setImmediate,
): () => void {
  let under: Iterator<Item> | null = null;
  let again = false;

  function step(): void {
    for (let left = AT_ONCE; left > 0; left -= 1) {
      const next = under!.next();
      if (next.done === true) return end();
      visit(next.value);
    }
    schedule(step);
  }

  function end(): void {
    under = null;
    if (again) begin();
  }

  function begin(): void {
    again = false;
    under = all();
    step();
  }

  return () => {
    if (under === null) begin();
    else again = true;
  };
}
