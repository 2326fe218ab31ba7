import { setImmediate as turn } from 'node:timers/promises';
import { type Buckets, quotaPeriod } from '../../limits/index.ts';
import type { QuotaOwner } from '../policy-keeper.ts';

export interface QuotaShareParts {
  quotas(): Iterable<QuotaOwner>;
  buckets: Pick<Buckets, 'readQuota'>;
  wallMs(): number;
}

const LOOK_MS = 5000;
/** Slots read before main turns to other things. */
const SLOTS_A_TURN = 2000;

/** The used share of the quota of the key that has used most of its own, looked up every five seconds while it is watched. */
export function createQuotaShare({ quotas, buckets, wallMs }: QuotaShareParts): {
  watch(on: boolean): void;
  /** null: not known yet. */
  read(): number | null;
} {
  let share: number | null = null;
  let watched = false;
  /** A look that another watch began over is not gone on with. */
  let round = 0;
  let timer: NodeJS.Timeout | undefined;

  async function look(mine: number): Promise<void> {
    let most = 0;
    let read = 0;
    for (const { slot, quota } of quotas()) {
      const used = buckets.readQuota(slot, quotaPeriod(quota.period, wallMs()).id);
      // A quota of nothing is used up.
      most = Math.max(most, quota.limit === 0 ? 1 : used / quota.limit);
      read += 1;
      if (read % SLOTS_A_TURN === 0) await turn();
      if (mine !== round) return;
    }
    share = most;
    timer = setTimeout(() => void look(mine), LOOK_MS);
  }

  return {
    watch(on) {
      if (on === watched) return;
      watched = on;
      clearTimeout(timer);
      share = null;
      round += 1;
      if (on) void look(round);
    },
    read: () => share,
  };
}
