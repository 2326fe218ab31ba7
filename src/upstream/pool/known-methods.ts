import { wellKnownMethods } from '../../metrics/index.ts';

/** Methods known to be answered somewhere; nodes answer few. */
const KNOWN_MAX = 1024;

/** Methods that an upstream answered, or that any node may be taken to have. */
export class KnownMethods {
  private readonly known = new Set(wellKnownMethods);
  private last = '';

  has(method: string): boolean {
    return this.known.has(method);
  }

  /** It was answered. */
  learn(method: string): void {
    if (method === this.last) return;
    this.last = method;
    if (this.known.size < KNOWN_MAX) this.known.add(method);
  }
}
