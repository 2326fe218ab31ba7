import type { Chosen } from './choose.ts';
import type { Delivery } from './delivery.ts';
import type { Endings } from './endings.ts';
import { MethodLatencies } from './latency-sketch.ts';
import type { PoolTotals } from './totals.ts';
import type { Wishes } from './wishes.ts';

/** A trial that has not answered by then gets company, so that finding out whether a node is well holds up nobody. */
const TRIAL_BACKUP_MS = 250;

export interface SecondAttemptsDeps {
  wishes: Wishes;
  endings: Endings;
  totals: PoolTotals;
  /** Monotonic milliseconds. */
  now: () => number;
  closed: () => boolean;
  /** Takes what an attempt beyond the first costs; false where there is none left. */
  afford: (delivery: Delivery, nowMs: number) => boolean;
  launch: (delivery: Delivery, chosen: Chosen, why: string, nowMs: number) => void;
}

/** Second attempts beside a first one that takes long. */
export class SecondAttempts {
  private readonly deps: SecondAttemptsDeps;
  /** null: nobody hedges. */
  private latencies: MethodLatencies | null = null;

  constructor(deps: SecondAttemptsDeps) {
    this.deps = deps;
  }

  /** The network's policy is another. */
  update(): void {
    if (this.deps.wishes.network.hedge === null) this.latencies = null;
    else this.latencies ??= new MethodLatencies();
  }

  /** A call of the method was answered. */
  observe(method: string, ms: number): void {
    if (this.latencies !== null) this.latencies.of(method).observe(ms);
  }

  /** One of the call's attempts begins now. @param trial of whether its node is well again */
  plan(delivery: Delivery, trial: boolean): void {
    const { wishes, endings } = this.deps;
    const { hedge } = wishes.network;
    const { call } = delivery;
    if (call.retry !== 'safe' || wishes.sole !== null || delivery.live.length > 1) return;
    if (trial) return endings.wait(delivery, TRIAL_BACKUP_MS, () => this.add(delivery, 'beside a trial'));
    if (hedge === null || delivery.begun > 1) return;
    const usual = this.latencies?.of(call.method).quantile(hedge.quantile) ?? hedge.maxDelayMs;
    const delayMs = Math.max(hedge.minDelayMs, Math.min(hedge.maxDelayMs, usual));
    endings.wait(delivery, delayMs, () => this.add(delivery, 'hedge'));
  }

  private add(delivery: Delivery, why: string): void {
    const { wishes, endings, totals } = this.deps;
    const nowMs = this.deps.now();
    if (this.deps.closed() || delivery.live.length !== 1) return;
    if (delivery.begun >= wishes.network.retry.attempts) return;
    // First whether there is one: what is taken from the budget is not given back.
    const chosen = wishes.choose(delivery.call, delivery.tried, nowMs);
    if (chosen.member === null) return;
    if (!this.deps.afford(delivery, nowMs))
      return chosen.member.withdrawn(chosen.claim, delivery.call.method);
    const kind = why === 'hedge' ? 'hedges' : 'retries';
    totals[kind]++;
    chosen.member.totals[kind]++;
    delivery.weighed ??= wishes.trace(delivery.call, nowMs);
    endings.watchDeadline(delivery, nowMs);
    this.deps.launch(delivery, chosen, why, nowMs);
  }
}
