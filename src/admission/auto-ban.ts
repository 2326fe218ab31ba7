import type { BanBook } from './ban-book.ts';
import { byItself, type Ban, overlaps, readPrefix } from './ban.ts';
import { type Cidr, parseCidr } from '../identity/index.ts';
import type { AddressLists } from './address-lists.ts';
import type { Violations } from './violation-fold.ts';
import { createWindowSums } from './window-sums.ts';

/** Milliseconds. */
export interface AutoBanSettings {
  threshold: number;
  windowMs: number;
  banForMs: number;
  growth: number;
  banMaxMs: number;
}

/** Whom no violation bans. */
export interface Spared {
  lists: Pick<AddressLists, 'allowsAll'>;
  trustedProxies: readonly Cidr[];
}

/** Addresses whose violations are summed at once; beyond, those with the least make room. */
const ADDRESSES_MAX = 65_536;
/** Always among the spared: this machine. */
const loopback = ['127.0.0.0/8', '::1'].map((text) => parseCidr(text)!);

/** Decides from violations who is to be banned, and for how long. */
export interface AutoBan {
  /**
   * Takes what a worker folded; the bans that follow, which stand in no book yet. `nowMs` is when they begin, and what counts together is
   * told by `steadyMs`, which never goes back.
   */
  add(violations: Violations, nowMs: number, steadyMs: number): Ban[];
}

export function createAutoBan(
  settings: AutoBanSettings,
  parts: { book: Pick<BanBook, 'holding' | 'allowing' | 'times'>; spared(): Spared; simulated: boolean },
): AutoBan {
  const sums = createWindowSums(ADDRESSES_MAX, settings.windowMs);
  const { threshold, banForMs, growth, banMaxMs } = settings;

  /** Of the allow-list only what it names whole: addresses in a wider network pass whatever bans that. */
  const isSpared = (network: Cidr): boolean => {
    const { lists, trustedProxies } = parts.spared();
    if (parts.book.allowing(network.address, network.bits) !== undefined) return true;
    return lists.allowsAll(network) || [...loopback, ...trustedProxies].some((one) => overlaps(one, network));
  };

  return {
    add({ addresses, weights }, nowMs, steadyMs) {
      const bans: Ban[] = [];
      for (const [i, address] of addresses.entries()) {
        const sum = sums.add(address, weights[i] ?? 0, steadyMs);
        if (sum < threshold) continue;
        sums.forget(address);
        const read = readPrefix(address);
        // Banned already: told of what came before that.
        if (read === undefined || isSpared(read.network) || parts.book.holding(read.network.address))
          continue;
        const times = parts.book.times(read.prefix, nowMs - banMaxMs) + 1;
        const length = Math.min(banMaxMs, banForMs * growth ** (times - 1));
        bans.push({
          prefix: read.prefix,
          reason: `violations of weight ${sum} within ${settings.windowMs / 1000} s`,
          by: byItself,
          beganAt: nowMs,
          until: Math.round(nowMs + length),
          times,
          simulated: parts.simulated,
        });
      }
      return bans;
    },
  };
}
