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
  /** Over all instances an address has reached the threshold: the ban that follows; undefined: none does. */
  reached(address: string, sum: number, nowMs: number): Ban | undefined;
}

/** Where other instances count as well. */
export interface SharedCount {
  instances(): number;
  add(address: string, weight: number): void;
}

export function createAutoBan(
  settings: AutoBanSettings,
  parts: {
    book: Pick<BanBook, 'holding' | 'allowing' | 'times' | 'past'>;
    spared(): Spared;
    simulated: boolean;
    shared: SharedCount | null;
  },
): AutoBan {
  const sums = createWindowSums(ADDRESSES_MAX, settings.windowMs);
  const { threshold, banForMs, growth, banMaxMs } = settings;

  /** Of the allow-list only what it names whole: addresses in a wider network pass whatever bans that. */
  const isSpared = (network: Cidr): boolean => {
    const { lists, trustedProxies } = parts.spared();
    if (parts.book.allowing(network.address, network.bits) !== undefined) return true;
    return lists.allowsAll(network) || [...loopback, ...trustedProxies].some((one) => overlaps(one, network));
  };

  function banOf(address: string, sum: number, where: string, nowMs: number): Ban | undefined {
    sums.forget(address);
    const read = readPrefix(address);
    // Banned already: told of what came before that.
    if (read === undefined || isSpared(read.network) || parts.book.holding(read.network.address))
      return undefined;
    const times = parts.book.times(read.prefix, nowMs - banMaxMs) + 1;
    const length = Math.min(banMaxMs, banForMs * growth ** (times - 1));
    return {
      prefix: read.prefix,
      reason: `violations of weight ${sum} within ${settings.windowMs / 1000} s${where}`,
      by: byItself,
      // The clock of the instance that made the one before may be ahead.
      beganAt: Math.max(nowMs, (parts.book.past(read.prefix)?.beganAt ?? -1) + 1),
      until: Math.round(nowMs + length),
      times,
      simulated: parts.simulated,
    };
  }

  /** Others are told of what comes on top of this: of nobody who violates little, and of nothing that is about to leave the window. */
  const markOf = ({ instances }: SharedCount): number =>
    instances() > 1 ? threshold / (2 * instances()) : Number.POSITIVE_INFINITY;

  return {
    add({ addresses, weights }, nowMs, steadyMs) {
      const bans: Ban[] = [];
      const mark = parts.shared === null ? Number.POSITIVE_INFINITY : markOf(parts.shared);
      for (const [i, address] of addresses.entries()) {
        const weight = weights[i] ?? 0;
        const sum = sums.add(address, weight, steadyMs);
        if (sum >= threshold) {
          const ban = banOf(address, sum, '', nowMs);
          if (ban !== undefined) bans.push(ban);
        } else if (sum > mark) parts.shared?.add(address, Math.min(weight, sum - mark));
      }
      return bans;
    },
    reached: (address, sum, nowMs) => banOf(address, sum, ' over all instances', nowMs),
  };
}
