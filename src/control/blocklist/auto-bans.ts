import {
  type AutoBan,
  type Ban,
  type BanBook,
  createAutoBan,
  type SharedViolations,
  type Spared,
  type Violations,
} from '../../admission/index.ts';
import type { Config } from '../../config/index.ts';
import { createViolationSharing } from './violation-sharing.ts';

/** Bans that violations make: by what this instance counts, and by what all instances do together. */
export interface AutoBans {
  /** Sums are kept where nothing of this has changed. */
  configure(blocklist: Pick<Config['blocklist'], 'mode' | 'auto_ban'>): void;
  violated(violations: Violations): void;
  stop(): void;
}

export function createAutoBans(parts: {
  book: BanBook;
  spared(): Spared;
  /** What instances share; null: there is no other. */
  shared: { violations: SharedViolations; guard: { isOpen(): boolean }; instances(): number } | null;
  /** Bans that stand in no book yet. */
  begin(bans: readonly Ban[]): void;
  epochMs(): number;
  steadyMs(): number;
}): AutoBans {
  const { book, spared, shared, begin, epochMs, steadyMs } = parts;
  let auto: AutoBan | null = null;
  let autoFor = '';
  let bounds: { windowMs: number; threshold: number } | null = null;

  const sharing =
    shared &&
    createViolationSharing({
      ...{ shared: shared.violations, isAway: shared.guard.isOpen, bounds: () => bounds },
      reached(address, sum) {
        const ban = auto?.reached(address, sum, epochMs());
        if (ban !== undefined) begin([ban]);
      },
    });

  return {
    configure({ mode, auto_ban: one }) {
      const simulated = mode === 'simulate';
      const made = JSON.stringify([simulated, one]);
      if (made === autoFor) return;
      autoFor = made;
      bounds = one && { windowMs: one.window, threshold: one.threshold };
      auto =
        one &&
        createAutoBan(
          {
            threshold: one.threshold,
            windowMs: one.window,
            banForMs: one.ban_for,
            growth: one.growth,
            banMaxMs: one.ban_max,
          },
          {
            ...{ book, spared, simulated },
            // What is only simulated is each instance's own.
            shared: simulated ? null : sharing && shared && { instances: shared.instances, add: sharing.add },
          },
        );
    },
    violated(violations) {
      begin(auto?.add(violations, epochMs(), steadyMs()) ?? []);
    },
    stop: () => sharing?.stop(),
  };
}
