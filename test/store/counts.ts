/** Calls by name of their key and method. */
export interface Counts {
  add(key: string, method: string, calls?: number): void;
  get(key: string, method: string): number;
  /** Of one key, or of all. */
  total(key?: string): number;
  list(): { key: string; method: string; calls: number }[];
  copy(): Counts;
}

export function createCounts(): Counts {
  const counts = new Map<string, { key: string; method: string; calls: number }>();
  const nameOf = (key: string, method: string) => `${key} ${method}`;
  const self: Counts = {
    add(key, method, calls = 1) {
      const name = nameOf(key, method);
      counts.set(name, { key, method, calls: calls + (counts.get(name)?.calls ?? 0) });
    },
    get: (key, method) => counts.get(nameOf(key, method))?.calls ?? 0,
    total: (key) =>
      [...counts.values()].reduce(
        (sum, one) => (key === undefined || one.key === key ? sum + one.calls : sum),
        0,
      ),
    list: () => [...counts.values()].map((one) => ({ ...one })),
    copy() {
      const copied = createCounts();
      for (const { key, method, calls } of counts.values()) copied.add(key, method, calls);
      return copied;
    },
  };
  return self;
}
