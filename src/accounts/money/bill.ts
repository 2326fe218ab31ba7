import { type Charge, chargeFor, type PlanTerms } from './charge.ts';
import { shareByLargestRemainder } from './share.ts';

/** Usage alike in network and method; any number of pieces of it. */
export interface BilledUsage {
  network: string;
  method: string;
  calls: bigint;
  units: bigint;
}

/** What one network's method took part in. */
export interface BillLine extends BilledUsage {
  /** Of the charge for usage, smallest units of the currency. */
  amount: bigint;
}

export interface Bill {
  calls: bigint;
  units: bigint;
  charge: Charge;
  /** By cost units, most first. The sum of their amounts is `charge.usage`. */
  lines: BillLine[];
}

/**
 * The bill of one user and month. In whatever pieces and order the usage comes, it is the same. Lines beyond `linesMax` (at
 * least 1) are put into a last one without network and method: callers choose methods' names, and may have invented thousands.
 */
export function billMonth(terms: PlanTerms, usage: Iterable<BilledUsage>, linesMax: number): Bill {
  const all = fold(usage);
  const kept = all.length <= linesMax ? all : [...all.slice(0, linesMax - 1), rest(all.slice(linesMax - 1))];
  const units = kept.reduce((sum, line) => sum + line.units, 0n);
  const charge = chargeFor(terms, units);
  const amounts = shareByLargestRemainder(
    charge.usage,
    kept.map((line) => line.units),
  );
  return {
    calls: kept.reduce((sum, line) => sum + line.calls, 0n),
    units,
    charge,
    lines: kept.map((line, index) => ({ ...line, amount: amounts[index] ?? 0n })),
  };
}

function fold(usage: Iterable<BilledUsage>): BilledUsage[] {
  const lines = new Map<string, BilledUsage>();
  for (const { network, method, calls, units } of usage) {
    if (calls === 0n && units === 0n) continue;
    const name = JSON.stringify([network, method]);
    const line = lines.get(name) ?? { network, method, calls: 0n, units: 0n };
    lines.set(name, { ...line, calls: line.calls + calls, units: line.units + units });
  }
  return [...lines.values()].sort(bySize);
}

function bySize(a: BilledUsage, b: BilledUsage): number {
  if (a.units !== b.units) return a.units > b.units ? -1 : 1;
  if (a.calls !== b.calls) return a.calls > b.calls ? -1 : 1;
  if (a.method !== b.method) return a.method < b.method ? -1 : 1;
  return a.network < b.network ? -1 : 1;
}

function rest(lines: readonly BilledUsage[]): BilledUsage {
  return {
    network: '',
    method: '',
    calls: lines.reduce((sum, line) => sum + line.calls, 0n),
    units: lines.reduce((sum, line) => sum + line.units, 0n),
  };
}
