/** What usage costs. All amounts are whole smallest units of `currency`, none negative; `pricePer` is at least 1. */
export interface PlanTerms {
  currency: string;
  monthlyFee: bigint;
  /** Cost units that the fee includes. */
  includedUnits: bigint;
  /** `price` for each `pricePer` cost units beyond. */
  price: bigint;
  pricePer: bigint;
}

/** What a month costs. `total` = `fee` + `usage`. */
export interface Charge {
  fee: bigint;
  /** Cost units beyond the included ones. */
  overageUnits: bigint;
  /** For these, rounded once, half up. */
  usage: bigint;
  total: bigint;
}

/** The charge for a whole month's cost units of one user. It depends on their sum alone, and never falls as that grows. */
export function chargeFor(terms: PlanTerms, units: bigint): Charge {
  if (units < 0n) throw new RangeError(`cost units are never negative, found ${units}`);
  const overageUnits = units > terms.includedUnits ? units - terms.includedUnits : 0n;
  const usage = divideHalfUp(overageUnits * terms.price, terms.pricePer);
  return { fee: terms.monthlyFee, overageUnits, usage, total: terms.monthlyFee + usage };
}

/** For numbers that are not negative: the nearest whole quotient, upwards where it lies half-way. */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor);
}
