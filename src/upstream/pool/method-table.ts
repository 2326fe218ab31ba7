import type { UpstreamPolicy } from '../../config/index.ts';
import { patternMatches } from '../../jsonrpc/index.ts';

const REMEMBERED_MAX = 1024;
const MISSING_MAX = 256;
/** A method that a node said it lacks is asked there again after this. */
export const MISSING_MS = 5 * 60_000;

/** Which methods one upstream has: what config says, and what the node said itself. */
export class MethodTable {
  private readonly methods: UpstreamPolicy['methods'];
  /** Config names none: it has all. */
  readonly unrestricted: boolean;
  private readonly known = new Map<string, boolean>();
  /** Until when each is taken as missing. */
  private readonly missing = new Map<string, number>();

  constructor(methods: UpstreamPolicy['methods']) {
    this.methods = methods;
    this.unrestricted = methods.allowed.length === 0 && methods.denied.length === 0;
  }

  /** By config: all methods, or those that fit one of the allowed patterns; but none that fits a denied one. */
  has(method: string): boolean {
    if (this.unrestricted) return true;
    const known = this.known.get(method);
    if (known !== undefined) return known;
    const { allowed, denied } = this.methods;
    const fits = (pattern: string): boolean => patternMatches(pattern, method);
    const has = (allowed.length === 0 || allowed.some(fits)) && !denied.some(fits);
    // Names come from callers.
    if (this.known.size >= REMEMBERED_MAX) this.known.clear();
    this.known.set(method, has);
    return has;
  }

  /** The node said so a while ago. */
  lacks(method: string, nowMs: number): boolean {
    if (this.missing.size === 0) return false;
    const untilMs = this.missing.get(method);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs) return true;
    this.missing.delete(method);
    return false;
  }

  learnMissing(method: string, nowMs: number): void {
    if (this.missing.size >= MISSING_MAX && !this.missing.has(method)) this.missing.clear();
    this.missing.set(method, nowMs + MISSING_MS);
  }

  /** It answered this one. */
  learnPresent(method: string): void {
    if (this.missing.size > 0) this.missing.delete(method);
  }

  /** How many are known to be missing. */
  get missingCount(): number {
    return this.missing.size;
  }
}
