import { type BucketTable, unknownVersion } from '../buckets/bucket-table.ts';
import { type Chain, outcomes } from '../chain.ts';
import { openLeaseState } from './lease-state.ts';
import { createLinkInsert } from '../buckets/link-insert.ts';
import { layout, type LeaseMemory } from '../memory.ts';
import type { QuotaTable } from '../quotas/quota.ts';
import { createShareDebts } from './share-debts.ts';
import { createUnlent } from './unlent.ts';
import { createQuotaLeases } from '../quotas/quota-lease.ts';

const {
  asked,
  askedMicrosAt,
  burstUnitsAt,
  dryUntilAt,
  entryNumbers,
  entryWords,
  inBurst,
  lastAt,
  leaseNumbers,
  levelAt,
  lowAt,
  maxUnitsAt,
  owing,
  refillUnitsAt,
  restAt,
  ruleNumbers,
  ruleWords,
  shareMaxAt,
  shareNumbers,
  shareRefillAt,
  stateAt,
  tickMicrosAt,
  tokenUnitsAt,
  versionAt,
  versionIndexMask,
  wanted,
} = layout;
const { burst, cold, exceeded, quota } = outcomes;

/** The same as `Buckets` says, where each instance holds leases of buckets that all share. Callers hold the chain's locks. */
export interface LeasedTake {
  /** Fills in all results; writes nothing but a changed rule's migration of a share. */
  decide(chain: Chain, nowMicros: number): void;
  /** Takes what was decided, and marks what runs low or was refused. */
  settle(chain: Chain, nowMicros: number): void;
  giveBack(chain: Chain, takenMicros: number, nowMicros: number): void;
}

/**
 * An entry is a lease as long as its tick lies ahead, its version is the chain's and it owes nothing: nothing refills, and its
 * level is what is left. Any other is this instance's share, which holds only while Redis is away or for a call that does not wait.
 * See decision 12.
 */
export function createLeasedTake(table: BucketTable, quotas: QuotaTable, leases: LeaseMemory): LeasedTake {
  const { words, numbers, find } = table;
  const rules = table.ruleWords;
  const ruleValues = table.ruleNumbers;
  const ruleCount = rules.length / ruleWords;
  const entryLeases = new Float64Array(leases.entries);
  const shares = new Float64Array(leases.rules);
  const state = openLeaseState(leases);
  const debts = createShareDebts(table, leases);
  const unlent = createUnlent(table, entryLeases);
  const quotaLeases = createQuotaLeases(quotas, leases);
  const insertLink = createLinkInsert(table);
  /** Bits of the links that were decided by a lease, in the last `decide`. */
  let leased = 0;

  function decide(chain: Chain, nowMicros: number): void {
    const now = Math.floor(nowMicros);
    const { links, cost, shadows } = chain;
    const away = state.away;
    const sharing = away || chain.sharing;
    let refused = 0;
    let bursting = 0;
    let shadowRefused = 0;
    let coldLinks = 0;
    let failing = -1;
    let depleted = false;
    let waitMicros = 0;
    leased = 0;

    for (let link = 0; link < links; link++) {
      const version = chain.versions[link]!;
      const index = version & versionIndexMask;
      if (index >= ruleCount || rules[index * ruleWords] !== version) throw unknownVersion(version);
      const rule = index * ruleNumbers;
      const max = ruleValues[rule + maxUnitsAt]!;
      const tokenUnits = ruleValues[rule + tokenUnitsAt]!;
      const tickMicros = ruleValues[rule + tickMicrosAt]!;
      const tick = tickMicros === 1 ? now : Math.floor(now / tickMicros);
      const bit = 1 << link;
      const need = cost * tokenUnits;
      let refillUnits = 0;
      let burstUnits = 0;
      let rest = 0;
      let level = 0;
      let last = 0;
      let entryState = 0;

      const entry = find(chain.tagLo[link]!, chain.tagHi[link]!);
      chain.entries[link] = entry;
      const known = entry >= 0 && words[entry * entryWords + versionAt] === version;
      // What owes is a share, also one that was written after this call's clock was read.
      const isLease =
        known &&
        !away &&
        numbers[entry * entryNumbers + lastAt]! > tick &&
        (words[entry * entryWords + stateAt]! & owing) === 0;
      if (isLease) {
        leased |= bit;
        level = numbers[entry * entryNumbers + levelAt]!;
        last = numbers[entry * entryNumbers + lastAt]!;
        entryState = words[entry * entryWords + stateAt]!;
        rest = entryLeases[entry * leaseNumbers + restAt]!;
        refillUnits = ruleValues[rule + refillUnitsAt]!;
        burstUnits = ruleValues[rule + burstUnitsAt]!;
      } else {
        const share = index * shareNumbers;
        const shareMax = shares[share + shareMaxAt]!;
        refillUnits = shares[share + shareRefillAt]!;
        burstUnits = Math.floor((ruleValues[rule + burstUnitsAt]! / max) * shareMax);
        level = shareMax;
        last = tickMicros === 1 ? now : Math.ceil(now / tickMicros);
        if (entry >= 0) {
          if (sharing && !known) adopt(entry, version, nowMicros);
          const most = away ? shareMax : shareMax - debts.of(entry);
          level = most;
          const then = numbers[entry * entryNumbers + lastAt]!;
          const was = then > tick ? leaseEnd(tick, tickMicros, away) : then;
          const found = numbers[entry * entryNumbers + levelAt]! + Math.max(0, tick - was) * refillUnits;
          if (found < most) {
            level = found;
            last = Math.max(tick, was);
            entryState = words[entry * entryWords + stateAt]! & inBurst;
          }
        }
      }

      const left = level - need;
      // One that pays for what its share gave may lack more than nothing.
      const before = Math.max(0, level + rest) / tokenUnits;
      chain.lasts[link] = last;
      chain.levels[link] = left;
      chain.before[link] = before;
      chain.after[link] = before - cost;
      const isShadow = (shadows & bit) !== 0;
      if (cost === 0) continue;
      if (need > max) {
        if (isShadow) shadowRefused |= bit;
        else refused |= bit;
        if (!isShadow) waitMicros = Number.POSITIVE_INFINITY;
        if (!isShadow && failing < 0) failing = link;
        chain.after[link] = before;
        continue;
      }
      const dryMicros = isLease ? entryLeases[entry * leaseNumbers + dryUntilAt]! - now : 0;
      const unsure = !isLease || (left < 0 && (dryMicros <= 0 || -left <= unlent.units(entry, now, rule)));
      if (unsure && !sharing) {
        coldLinks |= bit;
        continue;
      }
      if (left >= 0) {
        if (left + rest < burstUnits) bursting |= bit;
      } else if (isShadow) {
        shadowRefused |= bit;
        chain.after[link] = before;
      } else {
        refused |= bit;
        if (failing < 0) failing = link;
        if ((entryState & inBurst) !== 0) depleted = true;
        const wait = !isLease
          ? (last + Math.ceil(-left / refillUnits)) * tickMicros - now
          : dryMicros > 0
            ? dryMicros + (Math.max(0, -left - tokenUnits) / refillUnits) * tickMicros
            : unlent.micros(-left, rest, rule);
        if (wait > waitMicros) waitMicros = wait;
      }
    }

    bursting = cost === 0 ? 0 : bursting & ~shadows;
    const enforcedCold = coldLinks & ~shadows;
    let outcome: number = bursting !== 0 ? burst : outcomes.allowed;
    if (enforcedCold !== 0) outcome = cold;
    if (refused !== 0) outcome = exceeded;
    chain.failingQuota = -1;
    chain.coldQuotas = 0;
    if (chain.quotas !== 0) outcome = quotaLeases.decide(chain, outcome, sharing);
    chain.outcome = outcome;
    chain.failing = failing;
    chain.refused = refused;
    chain.bursting = outcome === burst ? bursting : 0;
    chain.shadowRefused = shadowRefused;
    chain.depleted = depleted;
    chain.cold = coldLinks;
    chain.low = 0;
    chain.lowQuotas = 0;
    chain.retryAfterMs = outcome === quota ? Number.POSITIVE_INFINITY : Math.ceil(waitMicros / 1000);
    if (outcome > burst) for (let link = 0; link < links; link++) chain.after[link] = chain.before[link]!;
  }

  /** Makes another rule's entry a share of this one: what that rule lent goes back by its own place, or counts as spent. */
  function adopt(entry: number, version: number, nowMicros: number): void {
    table.migrate(entry, version, nowMicros);
    words[entry * entryWords + stateAt]! &= inBurst;
    const tickMicros = ruleValues[(version & versionIndexMask) * ruleNumbers + tickMicrosAt]!;
    const tick = Math.floor(nowMicros / tickMicros);
    const last = entry * entryNumbers + lastAt;
    if (numbers[last]! > tick) numbers[last] = leaseEnd(tick, tickMicros, state.away);
  }

  /** What is taken of a share is owed, while there are leases. */
  function owe(chain: Chain, link: number): void {
    if (state.away || !chain.owes) return;
    const entry = chain.entries[link]!;
    const rule = (chain.versions[link]! & versionIndexMask) * ruleNumbers;
    debts.set(entry, debts.of(entry) + chain.cost * ruleValues[rule + tokenUnitsAt]!);
  }

  /** A lease that was cut short since Redis went away refills from there on. */
  function leaseEnd(tick: number, tickMicros: number, away: boolean): number {
    return away ? Math.min(tick, Math.ceil(state.awaySince / tickMicros)) : tick;
  }

  function settle(chain: Chain, nowMicros: number): void {
    if (chain.outcome <= burst) commit(chain, nowMicros);
    else if (chain.outcome === exceeded) markRefused(chain);
  }

  function commit(chain: Chain, nowMicros: number): void {
    if (chain.quotas !== 0) quotaLeases.commit(chain);
    if (chain.cost === 0) return;
    const untouched = chain.shadowRefused | chain.cold;
    let missing = 0;
    for (let link = 0; link < chain.links; link++) {
      const bit = 1 << link;
      if ((untouched & bit) !== 0) continue;
      const entry = chain.entries[link]!;
      if (entry < 0) {
        missing |= bit;
        continue;
      }
      const number = entry * entryNumbers;
      const word = entry * entryWords + stateAt;
      const burstBit = (chain.bursting & bit) !== 0 ? inBurst : 0;
      numbers[number + levelAt] = chain.levels[link]!;
      if ((leased & bit) === 0) {
        numbers[number + lastAt] = chain.lasts[link]!;
        words[word] = (words[word]! & owing) | burstBit;
        owe(chain, link);
        continue;
      }
      let entryState = (words[word]! & (asked | wanted)) | burstBit;
      if ((entryState & asked) === 0 && chain.levels[link]! < entryLeases[entry * leaseNumbers + lowAt]!) {
        entryState |= asked;
        chain.low |= bit;
      }
      words[word] = entryState;
    }
    if (missing !== 0) insertMissing(chain, missing, nowMicros);
  }

  function insertMissing(chain: Chain, missing: number, nowMicros: number): void {
    for (let link = 0; link < chain.links; link++) {
      const bit = 1 << link;
      if ((missing & bit) === 0) continue;
      insertLink(chain, link, (chain.bursting & bit) !== 0 ? inBurst : 0, nowMicros);
      owe(chain, link);
    }
  }

  /** A burst has ended; and main asks again for a dry bucket only if somebody wanted it. */
  function markRefused(chain: Chain): void {
    for (let link = 0; link < chain.links; link++) {
      const bit = 1 << link;
      const entry = chain.entries[link]!;
      if ((chain.refused & bit) === 0 || entry < 0) continue;
      const word = entry * entryWords + stateAt;
      words[word] = (leased & bit) === 0 ? words[word]! & owing : (words[word]! & asked) | wanted;
    }
  }

  /** What was out of the lease when it was last told in an ask is on nobody's account any more. */
  function giveBack(chain: Chain, takenMicros: number, nowMicros: number): void {
    for (let link = 0; link < chain.links; link++) {
      const version = chain.versions[link]!;
      const rule = (version & versionIndexMask) * ruleNumbers;
      const entry = find(chain.tagLo[link]!, chain.tagHi[link]!);
      if (entry < 0 || words[entry * entryWords + versionAt] !== version) continue;
      const tick = Math.floor(nowMicros / ruleValues[rule + tickMicrosAt]!);
      // A lease that ended meanwhile counts as spent.
      if (numbers[entry * entryNumbers + lastAt]! <= tick || state.away) continue;
      if (entryLeases[entry * leaseNumbers + askedMicrosAt]! >= takenMicros) continue;
      numbers[entry * entryNumbers + levelAt]! += chain.cost * ruleValues[rule + tokenUnitsAt]!;
    }
  }

  return { decide, settle, giveBack };
}
