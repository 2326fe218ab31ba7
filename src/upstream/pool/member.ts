import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import {
  type BoardMemory,
  createUpstreamBoard,
  health,
  healthReasons,
  type UpstreamBoard,
  UPSTREAM_SLOTS,
} from '../board.ts';
import type { FailureKind, Upstream, UpstreamFailure } from '../call.ts';
import { ADMITTED, Breaker, REFUSED } from './breaker.ts';
import { cellPlacesOf, sharedWordsOf } from './cells.ts';
import { FailureStreak } from './failure-streak.ts';
import { InFlight } from './in-flight.ts';
import { MethodBreakers } from './method-breakers.ts';
import { MethodMix } from './method-mix.ts';
import { MethodTable } from './method-table.ts';
import { MissedStates, readsState } from './old-state.ts';
import { PeakEwma } from './peak-ewma.ts';
import { RateBudget } from './rate-budget.ts';

/** Not the node's fault: ours, its way of shedding load, or that of who asked for so much. */
const blameless: ReadonlySet<FailureKind> = new Set(['overloaded', 'throttled', 'oversized']);
/** Whatever was called, these are the node's: it was not there, or went away before it answered. */
const ofNode: ReadonlySet<FailureKind> = new Set(['connect', 'reset']);

/** A node that alone told a block far above the head is asked last for the head for so long. */
const DOUBTED_MS = 30_000;

/** Room for one call, as {@link Member.claim} took it. */
export interface Claim {
  /** Numbers of the upstream's and of the method's trial; 0 for none. */
  trial: number;
  methodTrial: number;
}

export interface MemberDeps {
  board: BoardMemory;
  worker: number;
  random: () => number;
}

/** One upstream as its pool weighs it: what it can, how it does, and what of it is in use. */
export class Member {
  upstream!: Upstream;
  policy: UpstreamPolicy;
  network: NetworkPolicy;
  readonly latency = new PeakEwma();
  readonly breaker: Breaker;
  readonly budget: RateBudget;
  readonly flight: InFlight;
  methods: MethodTable;
  readonly missedStates = new MissedStates();
  totals = { retries: 0, hedges: 0, hedgesWon: 0, failovers: 0 };
  /** Another node took its place: what calls still under way there tell is no news. */
  private replaced = false;
  private readonly methodBreakers: MethodBreakers;
  private readonly mix = new MethodMix();
  private told = -1;
  private doubtedUntilMs = 0;
  readonly streak = new FailureStreak();
  private readonly deps: MemberDeps;
  private readonly board: UpstreamBoard;

  constructor(policy: UpstreamPolicy, network: NetworkPolicy, deps: MemberDeps) {
    this.policy = policy;
    this.network = network;
    this.deps = deps;
    this.methods = new MethodTable(policy.methods);
    this.board = createUpstreamBoard(deps.board);
    const shared = sharedWordsOf(deps.board.shared, policy.slot);
    const places = cellPlacesOf(deps.board.cells, UPSTREAM_SLOTS, policy.slot);
    this.flight = new InFlight(places, deps.worker);
    this.breaker = new Breaker(shared, places, deps.worker, deps.random);
    this.methodBreakers = new MethodBreakers(deps.random);
    this.budget = new RateBudget(shared);
  }

  update(policy: UpstreamPolicy, network: NetworkPolicy): void {
    this.methods = new MethodTable(policy.methods);
    this.policy = policy;
    this.network = network;
  }

  /**
   * The same upstream at another address, or with other credentials: nothing that was learned of it holds. Its totals go on,
   * and calls under way end with the old member.
   */
  renewed(policy: UpstreamPolicy, network: NetworkPolicy): Member {
    this.replaced = true;
    // Each worker does so as it changes over, so that nothing that another one learned of the old node meanwhile stays.
    this.board.clearShared(policy.slot);
    const next = new Member(policy, network, this.deps);
    next.upstream = this.upstream;
    next.totals = this.totals;
    return next;
  }

  /** Nothing speaks against sending it a call of any method: the one look of the fast path. */
  get carefree(): boolean {
    return (
      this.breaker.closed &&
      this.policy.maxInFlight === 0 &&
      this.budget.free(this.policy.requestsPerSecond) &&
      this.methodBreakers.none &&
      this.methods.unrestricted &&
      this.board.reason(this.policy.slot) === healthReasons.none
    );
  }

  /** Where checks that main makes found it on another chain, it is never asked. */
  get wrongChain(): boolean {
    return this.down && this.board.reason(this.policy.slot) === healthReasons.wrongChain;
  }

  /** Which chain it is of was not found out yet, although only one will do. */
  get unproven(): boolean {
    const { chainId, health: checks } = this.network;
    return (
      chainId !== null && checks.intervalMs > 0 && this.board.health(this.policy.slot) === health.unknown
    );
  }

  get down(): boolean {
    return this.board.health(this.policy.slot) === health.down;
  }

  /** Latest block it is known to have, by the checks or by what it answered here; -1: unknown. */
  get head(): number {
    return Math.max(this.board.head(this.policy.slot), this.told);
  }

  /** @param block that it must have; -1: any will do */
  behind(networkHead: number, block: number, nowMs: number): boolean {
    if (block >= 0 && nowMs < this.doubtedUntilMs) return true;
    const head = this.board.head(this.policy.slot);
    if (head < 0) return false;
    if (networkHead >= 0 && networkHead - head > this.network.maxBlockLag) return true;
    return Math.max(head, this.told) < block;
  }

  /** It told a block of which nobody else knows. */
  doubt(nowMs: number): void {
    this.doubtedUntilMs = nowMs + DOUBTED_MS;
  }

  /** Another one knows it, too. */
  believe(): void {
    this.doubtedUntilMs = 0;
  }

  /** It answered that it has this block. */
  hasBlock(number: number): void {
    if (number > this.told) this.told = number;
  }

  /** By config or by its own word it keeps no state of this old block. */
  lacksState(method: string, block: number, nowMs: number): boolean {
    return (!this.policy.archive && readsState(method)) || this.missedStates.has(method, block, nowMs);
  }

  /** Expected cost of one more call, in milliseconds: the least wins. */
  score(nowMs: number): number {
    const { own } = this.flight;
    const cost = (this.latency.value(nowMs, own === 0) * (own + 1)) / this.policy.weight;
    return cost * this.streak.factor(nowMs);
  }

  /** Milliseconds until its breakers let a call of this method through; 0: now. */
  breakerWaitMs(method: string, nowMs: number): number {
    const { trials } = this.network.breaker;
    const waitMs = this.breaker.waitMs(nowMs, trials);
    const own = this.methodBreakers.of(method);
    return own === undefined ? waitMs : Math.max(waitMs, own.waitMs(nowMs, trials));
  }

  /** A call of this method would be a trial. */
  onTrial(method: string): boolean {
    return !this.breaker.closed || this.methodBreakers.of(method)?.closed === false;
  }

  /** Milliseconds until its budget allows a call; 0: now. */
  budgetWaitMs(nowMs: number): number {
    return this.budget.waitMs(nowMs, this.policy.requestsPerSecond);
  }

  /** Has it as many calls in flight, over all workers, as it may? */
  full(critical: boolean): boolean {
    const bound = this.inFlightMax(critical);
    return bound > 0 && this.flight.ofAll() >= bound;
  }

  /**
   * Takes room for one call; undefined where another thread was faster. Whoever has a claim gives it back by exactly one
   * of {@link succeeded}, {@link failed} and {@link withdrawn}.
   */
  claim(method: string, critical: boolean, nowMs: number): Claim | undefined {
    const bound = this.inFlightMax(critical);
    if (bound === 0) this.flight.enterFreely();
    else if (!this.flight.enter(bound)) return undefined;
    const { breaker, timeoutMs } = this.network;
    const trial = this.breaker.admit(nowMs, breaker, timeoutMs);
    const own = this.methodBreakers.of(method);
    const methodTrial =
      trial === REFUSED || own === undefined ? ADMITTED : own.admit(nowMs, breaker, timeoutMs);
    const claimed: Claim = { trial: Math.max(trial, 0), methodTrial: Math.max(methodTrial, 0) };
    if (
      trial !== REFUSED &&
      methodTrial !== REFUSED &&
      this.budget.take(nowMs, this.policy.requestsPerSecond)
    ) {
      return claimed;
    }
    this.withdrawn(claimed, method);
    return undefined;
  }

  /** @param ms -1: how long it took says nothing of how long an answer does */
  succeeded(claim: Claim | null, method: string, ms: number, nowMs: number): void {
    if (this.replaced) return this.withdrawn(claim, method);
    this.flight.leave();
    this.streak.end();
    if (ms >= 0) this.latency.observe(ms, nowMs);
    this.mix.called(method, nowMs);
    const { breaker } = this.network;
    this.breaker.succeeded(claim === null ? ADMITTED : claim.trial, nowMs, breaker);
    this.methodBreakers.succeeded(method, claim === null ? ADMITTED : claim.methodTrial, nowMs, breaker);
    this.methods.learnPresent(method);
  }

  failed(claim: Claim | null, method: string, failure: UpstreamFailure, ms: number, nowMs: number): void {
    if (failure.kind === 'throttled') this.throttled(nowMs, failure.retryAfterMs);
    if (this.replaced || blameless.has(failure.kind)) return this.withdrawn(claim, method);
    this.flight.leave();
    // A refused connection is quick, and says nothing of how long an answer takes.
    if (failure.delivered === 'maybe') this.latency.observe(ms, nowMs);
    this.count(claim, method, ofNode.has(failure.kind), nowMs);
  }

  /** It answered that it cannot do so now. */
  gaveUp(claim: Claim | null, method: string, nowMs: number): void {
    if (this.replaced) return this.withdrawn(claim, method);
    this.flight.leave();
    this.count(claim, method, false, nowMs);
  }

  /** What it answered to a call that is over turned out to be its own fault. */
  blamed(method: string, nowMs: number): void {
    if (!this.replaced) this.count(null, method, false, nowMs);
  }

  private count(claim: Claim | null, method: string, ofTheNode: boolean, nowMs: number): void {
    this.streak.failed(nowMs);
    const { breaker } = this.network;
    const { trial, methodTrial } = claim ?? { trial: ADMITTED, methodTrial: ADMITTED };
    const against = this.mix.failed(method, nowMs, breaker.windowMs);
    this.breaker.failed(trial, nowMs, breaker, ofTheNode ? 'node' : against);
    this.methodBreakers.failed(method, methodTrial, nowMs, breaker);
  }

  /** The call ended in a way that says nothing of the node. */
  withdrawn(claim: Claim | null, method: string): void {
    this.flight.leave();
    if (claim === null || this.replaced) return;
    this.breaker.withdrawn(claim.trial);
    this.methodBreakers.of(method)?.withdrawn(claim.methodTrial);
  }

  /**
   * Another attempt was faster: this one took longer than `ms`, which counts where it is slow for this node.
   *
   * @param late the other one began later. A trial so overtaken is lost: one that hangs would else be tried for ever
   */
  outrun(claim: Claim | null, method: string, ms: number, nowMs: number, late: boolean): void {
    if (!late || claim === null || this.replaced) this.withdrawn(claim, method);
    else {
      const { breaker } = this.network;
      this.flight.leave();
      if (claim.trial !== ADMITTED) this.breaker.failed(claim.trial, nowMs, breaker);
      this.methodBreakers.trialLost(method, claim.methodTrial, nowMs, breaker);
    }
    if (ms > this.latency.value(nowMs, false)) this.latency.observe(ms, nowMs);
  }

  throttled(nowMs: number, retryAfterMs?: number): void {
    if (this.replaced) return;
    const accepted = this.breaker.rate(nowMs, this.network.breaker.windowMs);
    this.budget.throttled(nowMs, this.policy.requestsPerSecond, accepted, retryAfterMs);
  }

  private inFlightMax(critical: boolean): number {
    const { maxInFlight } = this.policy;
    if (maxInFlight === 0 || critical) return maxInFlight;
    return Math.max(1, Math.floor(maxInFlight * (1 - this.network.shed.reserve)));
  }
}
