import type { ClaimedDelivery, DeliveryOutcome, Outbox } from '../outbox.ts';

/**
 * What this instance has claimed: the claim of what it holds is kept, what it leaves is let go of, and what the store has as claimed by us and
 * nobody here knows of is set free: a claim's answer never came, or a process before this one claimed it.
 */
export interface OwnClaims {
  /** Claims as many as there is room for; what is ours already is left out. Rejects as the outbox does. */
  claim(sink: string, limit: { new: number; retry: number }): Promise<ClaimedDelivery[]>;
  /** These will not be attempted: whoever claims next has them, in their order. */
  leave(sink: string, claimed: readonly ClaimedDelivery[]): void;
  /** Nothing of this sink is to be let go of or set free first, which what comes later may not overtake. */
  isReady(sink: string): boolean;
  /** The store has what became of these. */
  noted(outcomes: readonly DeliveryOutcome[]): void;
  /** To be called before claiming for these sinks. Rejects as the outbox does, and does the rest the next time. */
  keep(sinks: Iterable<string>): Promise<void>;
}

export function createOwnClaims(parts: {
  outbox: Pick<Outbox, 'claim' | 'renew' | 'release' | 'recover'>;
  by: string;
  /** How long a delivery is ours. */
  claimMs: number;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number;
}): OwnClaims {
  const { outbox, by, claimMs, epochMs, elapsedMs } = parts;
  /** Claimed, and not let go of as far as we know. */
  const ours = createNumbers();
  const leaving = createNumbers();
  /** Claimed a second time, before the first was noted. */
  const twice = createNumbers();
  /** Sinks of which the store has no more as ours than we know. */
  const sure = new Set<string>();
  let renewedAt = elapsedMs();

  const letGo = async (): Promise<void> => {
    for (const sink of leaving.sinks()) {
      const numbers = [...leaving.of(sink)];
      await outbox.release(by, { sink, numbers });
      for (const number of numbers) {
        leaving.remove(sink, number);
        ours.remove(sink, number);
      }
    }
  };
  const renew = async (): Promise<void> => {
    const nowMs = elapsedMs();
    if (nowMs - renewedAt < claimMs / 3) return;
    // What we know of, and no more: the rest ends by itself.
    for (const sink of ours.sinks())
      await outbox.renew(by, { sink, numbers: [...ours.of(sink)] }, epochMs() + claimMs);
    renewedAt = nowMs;
  };
  const recover = async (sink: string): Promise<void> => {
    // What makes us unsure meanwhile is looked at the next time.
    sure.add(sink);
    try {
      if (!(await outbox.recover(by, { sink, known: [...ours.of(sink)] }))) sure.delete(sink);
    } catch {
      // The other sinks do not wait for it. Where the store is away, what is asked for next says so.
      sure.delete(sink);
    }
  };

  return {
    async claim(sink, limit) {
      const nowMs = epochMs();
      let claimed: ClaimedDelivery[];
      try {
        claimed = await outbox.claim({ sink, limit, by, nowMs, untilMs: nowMs + claimMs });
      } catch (error) {
        sure.delete(sink);
        throw error;
      }
      // A wall clock that jumped ahead has ended claims of ours; or it was settled, and we are told after this.
      const known = ours.of(sink);
      const [fresh, already] = [[] as ClaimedDelivery[], [] as ClaimedDelivery[]];
      for (const one of claimed) (known.has(one.number) ? already : fresh).push(one);
      for (const { number } of already) twice.add(sink, number);
      for (const { number } of fresh) ours.add(sink, number);
      return fresh;
    },

    leave(sink, claimed) {
      for (const { number } of claimed) leaving.add(sink, number);
    },
    isReady: (sink) => sure.has(sink) && leaving.of(sink).size === 0,

    noted(outcomes) {
      for (const { sink, number } of outcomes) {
        ours.remove(sink, number);
        if (twice.remove(sink, number)) sure.delete(sink);
      }
    },

    async keep(sinks) {
      await renew();
      await letGo();
      for (const sink of sinks) if (!sure.has(sink)) await recover(sink);
    },
  };
}

/** Numbers of deliveries by their sinks. */
function createNumbers() {
  const bySink = new Map<string, Set<number>>();
  const none: ReadonlySet<number> = new Set();
  return {
    sinks: (): string[] => [...bySink.keys()],
    of: (sink: string): ReadonlySet<number> => bySink.get(sink) ?? none,
    add(sink: string, number: number): void {
      const numbers = bySink.get(sink) ?? new Set();
      bySink.set(sink, numbers.add(number));
    },
    /** Whether it was there. */
    remove(sink: string, number: number): boolean {
      const numbers = bySink.get(sink);
      const was = numbers?.delete(number) === true;
      if (numbers?.size === 0) bySink.delete(sink);
      return was;
    },
  };
}
