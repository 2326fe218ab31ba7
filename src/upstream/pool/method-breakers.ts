import type { BreakerPolicy } from '../../config/index.ts';
import { ADMITTED, type Breaker, createLocalBreaker } from './breaker.ts';

/** Methods whose failures are watched by themselves. */
const METHODS_MAX = 128;

/** Breakers of single methods of one upstream, in one worker: made with a method's first failure, and forgotten once none fails. */
export class MethodBreakers {
  private readonly breakers = new Map<string, Breaker>();
  private forgetAtMs = 0;
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  get none(): boolean {
    return this.breakers.size === 0;
  }

  of(method: string): Breaker | undefined {
    return this.breakers.size === 0 ? undefined : this.breakers.get(method);
  }

  /** @param trial what its breaker said of the call */
  succeeded(method: string, trial: number, nowMs: number, policy: BreakerPolicy): void {
    if (this.breakers.size === 0) return;
    this.breakers.get(method)?.succeeded(trial, nowMs, policy);
    if (nowMs >= this.forgetAtMs) this.forget();
  }

  failed(method: string, trial: number, nowMs: number, policy: BreakerPolicy): void {
    this.forgetAtMs = nowMs + policy.windowMs;
    this.made(method).failed(trial, nowMs, policy);
  }

  /** A trial of the method was lost: one that hangs would else be tried for ever. */
  trialLost(method: string, trial: number, nowMs: number, policy: BreakerPolicy): void {
    if (trial !== ADMITTED) this.breakers.get(method)?.failed(trial, nowMs, policy);
  }

  private made(method: string): Breaker {
    const known = this.breakers.get(method);
    if (known !== undefined) return known;
    if (this.breakers.size >= METHODS_MAX) this.forget();
    const made = createLocalBreaker(this.random);
    this.breakers.set(method, made);
    return made;
  }

  /** No method failed for a whole window: the fast path comes back. */
  private forget(): void {
    for (const [method, breaker] of this.breakers) if (breaker.closed) this.breakers.delete(method);
    if (this.breakers.size >= METHODS_MAX) this.breakers.clear();
  }
}
