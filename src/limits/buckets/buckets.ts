import type { Buckets, BucketStats } from './buckets-face.ts';
import { createBucketTable, unknownVersion } from './bucket-table.ts';
import { outcomes } from '../chain.ts';
import type { Chain } from '../chain.ts';
import { createLeaseTable } from '../leases/lease-table.ts';
import { createLeasedTake } from '../leases/leased-take.ts';
import { createLinkInsert } from './link-insert.ts';
import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import { createQuotaTable } from '../quotas/quota.ts';
import { createShardLocks } from '../shard-locks.ts';
import { loadState } from '../saved/state-load.ts';
import { saveState } from '../saved/state-save.ts';

const {
  burstUnitsAt,
  entryNumbers,
  entryWords,
  inBurst,
  lastAt,
  levelAt,
  maxUnitsAt,
  refillUnitsAt,
  ruleNumbers,
  ruleWords,
  stateAt,
  tickMicrosAt,
  tokenUnitsAt,
  versionAt,
  versionIndexMask,
} = layout;

const statsSample = 4096;
const { allowed, burst, exceeded, quota } = outcomes;

export function createBuckets(memory: LimitsMemory, owner: number): Buckets {
  const table = createBucketTable(memory);
  const quotas = createQuotaTable(memory);
  const { words, numbers, find } = table;
  const rules = table.ruleWords;
  const ruleValues = table.ruleNumbers;
  const ruleCount = rules.length / ruleWords;
  const locks = createShardLocks(memory, owner);
  const { locked } = locks;
  const insertLink = createLinkInsert(table);

  const leased = memory.leases && createLeasedTake(table, quotas, memory.leases);

  function take(chain: Chain, nowMicros: number): void {
    let warmth = 0;
    for (let link = 0; link < chain.links; link++) {
      warmth ^= table.warm(chain.tagLo[link]!, chain.tagHi[link]!);
    }
    // Kept, since a read that nobody uses is optimised away.
    chain.warmth = warmth;
    locks.acquire(chain.shardsLow, chain.shardsHigh);
    try {
      if (leased === null) {
        decide(chain, nowMicros);
        if (chain.outcome <= burst) commit(chain, nowMicros);
        else if (chain.depleted) endBursts(chain);
      } else {
        leased.decide(chain, nowMicros);
        leased.settle(chain, nowMicros);
      }
    } finally {
      locks.release(chain.shardsLow, chain.shardsHigh);
    }
  }

  function peek(chain: Chain, nowMicros: number): void {
    locks.acquire(chain.shardsLow, chain.shardsHigh);
    try {
      (leased?.decide ?? decide)(chain, nowMicros);
    } finally {
      locks.release(chain.shardsLow, chain.shardsHigh);
    }
  }

  function giveBack(chain: Chain, takenMicros: number, nowMicros: number): void {
    if (leased === null) return;
    locks.acquire(chain.shardsLow, chain.shardsHigh);
    try {
      leased.giveBack(chain, takenMicros, nowMicros);
    } finally {
      locks.release(chain.shardsLow, chain.shardsHigh);
    }
  }

  /** Fills in all results. Writes nothing but rule migrations, which are due at an entry's first touch. */
  function decide(chain: Chain, nowMicros: number): void {
    const now = Math.floor(nowMicros);
    const { links, cost, shadows } = chain;
    let refused = 0;
    let bursting = 0;
    let shadowRefused = 0;
    let failing = -1;
    let depleted = false;
    let waitMicros = 0;

    for (let link = 0; link < links; link++) {
      const version = chain.versions[link]!;
      const index = version & versionIndexMask;
      if (index >= ruleCount || rules[index * ruleWords] !== version) throw unknownVersion(version);
      const rule = index * ruleNumbers;
      const max = ruleValues[rule + maxUnitsAt]!;
      const tokenUnits = ruleValues[rule + tokenUnitsAt]!;
      const tickMicros = ruleValues[rule + tickMicrosAt]!;

      const entry = find(chain.tagLo[link]!, chain.tagHi[link]!);
      chain.entries[link] = entry;
      let level = max;
      // A full bucket starts to refill at the next tick: it never holds more than one without ticks would.
      let last = tickMicros === 1 ? now : Math.ceil(now / tickMicros);
      let state = 0;
      if (entry >= 0) {
        const word = entry * entryWords;
        if (words[word + versionAt] !== version) table.migrate(entry, version, nowMicros);
        const number = entry * entryNumbers;
        const was = numbers[number + lastAt]!;
        const tick = tickMicros === 1 ? now : Math.floor(now / tickMicros);
        // `refilled`, written out: as a call its five doubles would be boxed.
        level = numbers[number + levelAt]!;
        if (tick > was) level += (tick - was) * ruleValues[rule + refillUnitsAt]!;
        if (level < max) {
          last = tick > was ? tick : was;
          state = words[word + stateAt]!;
        } else level = max;
      }

      const bit = 1 << link;
      const need = cost * tokenUnits;
      const left = level - need;
      const before = level / tokenUnits;
      chain.lasts[link] = last;
      chain.levels[link] = left;
      chain.before[link] = before;
      chain.after[link] = before - cost;
      if (left >= 0) {
        if (left < ruleValues[rule + burstUnitsAt]!) bursting |= bit;
      } else if ((shadows & bit) !== 0) {
        shadowRefused |= bit;
        chain.after[link] = before;
      } else {
        refused |= bit;
        if (failing < 0) failing = link;
        if ((state & inBurst) !== 0) depleted = true;
        // `ticksUntil`, likewise.
        const ticks =
          need > max
            ? Number.POSITIVE_INFINITY
            : Math.ceil((need - level) / ruleValues[rule + refillUnitsAt]!);
        const wait = (last + ticks) * tickMicros - now;
        if (wait > waitMicros) waitMicros = wait;
      }
    }

    bursting = cost === 0 ? 0 : bursting & ~shadows;
    let outcome: number = refused !== 0 ? exceeded : bursting !== 0 ? burst : allowed;
    chain.failingQuota = -1;
    if (chain.quotas !== 0) outcome = decideQuotas(chain, outcome);
    chain.outcome = outcome;
    chain.failing = failing;
    chain.refused = refused;
    chain.bursting = outcome === burst ? bursting : 0;
    chain.shadowRefused = shadowRefused;
    chain.depleted = depleted;
    chain.retryAfterMs = outcome === quota ? Number.POSITIVE_INFINITY : Math.ceil(waitMicros / 1000);
    if (outcome > burst) showNothingTaken(chain);
  }

  function decideQuotas(chain: Chain, outcome: number): number {
    let failing = -1;
    for (let at = 0; at < chain.quotas; at++) {
      const slot = chain.quotaSlot[at]!;
      if (slot >= quotas.slots) throw new RangeError(`there is no quota slot ${slot}`);
      const period = quotas.countedIn(slot, chain.quotaPeriod[at]!);
      const used = quotas.used(slot, period);
      chain.quotaPeriod[at] = period;
      chain.quotaUsed[at] = used;
      if (failing < 0 && used + chain.quotaCost[at]! > chain.quotaLimit[at]!) failing = at;
    }
    if (outcome > burst) return outcome;
    if (failing >= 0) {
      chain.failingQuota = failing;
      return quota;
    }
    for (let at = 0; at < chain.quotas; at++) chain.quotaUsed[at]! += chain.quotaCost[at]!;
    return outcome;
  }

  function showNothingTaken(chain: Chain): void {
    for (let link = 0; link < chain.links; link++) chain.after[link] = chain.before[link]!;
  }

  /**
   * Entries that exist come first: an insertion that has to evict must see them as they will be. The tick before
   * the level: a thread ended between the two has lost a refill and minted none.
   */
  function commit(chain: Chain, nowMicros: number): void {
    for (let at = 0; at < chain.quotas; at++)
      quotas.write(chain.quotaSlot[at]!, chain.quotaPeriod[at]!, chain.quotaUsed[at]!);
    if (chain.cost === 0) return;
    let missing = 0;
    for (let link = 0; link < chain.links; link++) {
      const bit = 1 << link;
      if ((chain.shadowRefused & bit) !== 0) continue;
      const entry = chain.entries[link]!;
      if (entry < 0) {
        missing |= bit;
        continue;
      }
      const number = entry * entryNumbers;
      numbers[number + lastAt] = chain.lasts[link]!;
      numbers[number + levelAt] = chain.levels[link]!;
      words[entry * entryWords + stateAt] = burstState(chain, link);
    }
    if (missing !== 0) insertMissing(chain, missing, nowMicros);
  }

  function insertMissing(chain: Chain, missing: number, nowMicros: number): void {
    for (let link = 0; link < chain.links; link++) {
      if ((missing & (1 << link)) === 0) continue;
      insertLink(chain, link, burstState(chain, link), nowMicros);
    }
  }

  function burstState(chain: Chain, link: number): number {
    return (chain.bursting & (1 << link)) !== 0 ? inBurst : 0;
  }

  /** The refused buckets' next refusals are no longer the first. */
  function endBursts(chain: Chain): void {
    for (let link = 0; link < chain.links; link++) {
      const entry = chain.entries[link]!;
      if ((chain.refused & (1 << link)) === 0 || entry < 0) continue;
      words[entry * entryWords + stateAt] = 0;
    }
  }

  function stats(nowMicros: number): BucketStats {
    const step = Math.max(1, table.entries / statsSample);
    let seen = 0;
    let used = 0;
    for (let entry = 0; entry < table.entries; entry += step) {
      seen += 1;
      if (table.lacking(entry, nowMicros) > 0) used += 1;
    }
    return { entries: table.entries, used: Math.round((used / seen) * table.entries), ...table.counts() };
  }

  return {
    take,
    peek,
    giveBack,
    refundQuota: (slot, periodId, cost) =>
      locked(slot & 63, () => {
        if (quotas.storedPeriod(slot) !== periodId) return;
        quotas.write(slot, periodId, Math.max(0, quotas.used(slot, periodId) - cost));
      }),
    readQuota: (slot, periodId) => locked(slot & 63, () => quotas.used(slot, periodId)),
    writeQuota: (slot, periodId, used) => locked(slot & 63, () => quotas.reset(slot, periodId, used)),
    adjustQuota: (slot, periodId, change) =>
      locked(slot & 63, () => {
        const used = Math.max(0, quotas.used(slot, periodId) + change);
        quotas.reset(slot, quotas.countedIn(slot, periodId), used);
      }),
    releaseDead: locks.releaseDead,
    leases: memory.leases && createLeaseTable({ memory, leases: memory.leases, table, locked }),
    stats,
    save: (nowMicros, wallMs, quotaKey = String) =>
      saveState({ memory, table, quotas, locked }, nowMicros, wallMs, quotaKey),
    load: (bytes, nowMicros, wallMs, quotaSlot = Number) =>
      loadState({ memory, table, quotas, locked }, bytes, nowMicros, wallMs, quotaSlot),
  };
}
