import { createViolationFold, type SharedViolations } from '../../admission/index.ts';

/** Sums of violations over all instances: who spreads them over several is found, too. */
export interface ViolationSharing {
  /** Of an address that has violated much here. */
  add(address: string, weight: number): void;
  stop(): void;
}

const TICK_MS = 250;
/** Addresses that are told of at once; more are told of later, if they go on. */
const ADDRESSES_MAX = 2000;

export function createViolationSharing(parts: {
  shared: SharedViolations;
  isAway(): boolean;
  /** null: violations ban nobody. */
  bounds(): { windowMs: number; threshold: number } | null;
  /** Over all instances an address has this sum, which is the threshold or more. */
  reached(address: string, sum: number): void;
}): ViolationSharing {
  const fold = createViolationFold(ADDRESSES_MAX);
  let sending = false;

  async function send(): Promise<void> {
    const bounds = parts.bounds();
    const violations = fold.take();
    // Each instance counts for itself meanwhile.
    if (violations === null || bounds === null || parts.isAway()) return;
    const { addresses, weights } = violations;
    const sums = await parts.shared.add(
      addresses.map((address, i) => ({ address, weight: weights[i]! })),
      bounds,
    );
    for (const [i, sum] of sums.entries()) if (sum >= bounds.threshold) parts.reached(addresses[i]!, sum);
  }

  const timer = setInterval(() => {
    if (sending) return;
    sending = true;
    send()
      // That Redis does not answer is told by itself.
      .catch(() => undefined)
      .finally(() => {
        sending = false;
      });
  }, TICK_MS).unref();
  return { add: fold.add, stop: () => clearInterval(timer) };
}
