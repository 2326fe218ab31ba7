/** Runs `work` once, after so many milliseconds; what it returns calls that off. Keeps no process alive. */
export function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
}
