/** Resolves once `what` holds; rejects where that takes longer than `withinMs`. */
export async function until(what: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not happen within ${withinMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
