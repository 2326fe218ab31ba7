import type { Ban } from '../../admission/index.ts';
import type { BanRow } from '../../store/index.ts';

/** Prefixes of which the store may know better than this instance, once what it sent there has arrived. */
export interface StaleBans {
  add(prefix: string): void;
  /** Reads what can be read now; to be called now and then. */
  look(): void;
  /** The store answers again. */
  retry(): void;
}

const AT_ONCE = 500;
const RETRY_MS = 1000;

export function createStaleBans(options: {
  read: (prefixes: string[]) => Promise<BanRow[]>;
  /** A change of this prefix is on its way to the store: what is read there is not the last word. */
  isPending: (prefix: string) => boolean;
  known: (prefix: string) => Ban | undefined;
  take: (rows: BanRow[]) => void;
  steadyMs: () => number;
}): StaleBans {
  const { isPending, known, take, steadyMs } = options;
  const stale = new Set<string>();
  let reading = false;
  let notBefore = Number.NEGATIVE_INFINITY;

  async function read(prefixes: string[]): Promise<void> {
    reading = true;
    const before = prefixes.map(known);
    try {
      const rows = await options.read(prefixes);
      // What changed here meanwhile is read once more.
      const moved = new Set(prefixes.filter((prefix, at) => known(prefix) !== before[at]));
      for (const prefix of moved) stale.add(prefix);
      take(rows.filter(({ prefix }) => !moved.has(prefix)));
    } catch {
      // That the store is away is told by itself.
      for (const prefix of prefixes) stale.add(prefix);
      notBefore = steadyMs() + RETRY_MS;
    } finally {
      reading = false;
    }
  }

  return {
    add: (prefix) => void stale.add(prefix),
    look() {
      if (stale.size === 0 || reading || steadyMs() < notBefore) return;
      const some: string[] = [];
      for (const prefix of stale) {
        if (some.length >= AT_ONCE) break;
        if (!isPending(prefix)) some.push(prefix);
      }
      if (some.length === 0) return;
      for (const prefix of some) stale.delete(prefix);
      void read(some);
    },
    retry() {
      notBefore = Number.NEGATIVE_INFINITY;
    },
  };
}
