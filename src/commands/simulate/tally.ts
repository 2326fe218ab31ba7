import type { ReplayVerdict } from '../../gateway/index.ts';

/** Pairs of caller and method told apart; what comes beyond is counted together. */
const ROWS_MAX = 100_000;

/** How often one rule refused, or would have, and when first. */
export interface RuleTally {
  outcome: 'exceeded' | 'quota' | 'blocked' | 'denied' | 'shadow';
  rule: string;
  calls: number;
  cost: number;
  /** Epoch microseconds. */
  firstAt: number;
}

/** The calls of one caller and method. */
export interface Row {
  caller: string;
  unknownKey: boolean;
  method: string;
  calls: number;
  cost: number;
  refusedThen: number;
  refused: number;
  refusedCost: number;
  /** Of a refusal, a shadow's not counted; Infinity if there was none. */
  firstAt: number;
  rules: RuleTally[];
}

export interface Tally {
  add(method: string, at: number, refusedThen: boolean, verdict: ReplayVerdict): void;
  rows(): Row[];
}

/** Counts verdicts by caller and method. */
export function createTally(): Tally {
  const callers = new Map<string, Map<string, Row>>();
  let rows = 0;

  function rowOf(caller: string, method: string, unknownKey: boolean): Row {
    const known = callers.get(caller)?.get(method);
    if (known !== undefined) return known;
    const full = rows >= ROWS_MAX;
    const [name, what] = full ? ['(others)', '(all)'] : [caller, method];
    let methods = callers.get(name);
    if (methods === undefined) callers.set(name, (methods = new Map()));
    let row = methods.get(what);
    if (row === undefined) {
      row = { ...{ caller: name, unknownKey: unknownKey && !full, method: what }, ...emptyCounts() };
      methods.set(what, row);
      rows++;
    }
    return row;
  }

  return {
    add(method, at, refusedThen, { caller, unknownKey, outcome, cost, rule, shadows }) {
      const row = rowOf(caller, method, unknownKey);
      row.calls++;
      row.cost += cost;
      if (refusedThen) row.refusedThen++;
      if (rule !== null && outcome !== 'allowed' && outcome !== 'burst') {
        row.refused++;
        row.refusedCost += cost;
        row.firstAt = Math.min(row.firstAt, at);
        count(row, outcome, rule, cost, at);
      }
      for (const shadow of shadows) count(row, 'shadow', shadow, cost, at);
    },
    rows: () => [...callers.values()].flatMap((methods) => [...methods.values()]),
  };
}

function emptyCounts() {
  return {
    ...{ calls: 0, cost: 0, refusedThen: 0, refused: 0, refusedCost: 0 },
    ...{ firstAt: Number.POSITIVE_INFINITY, rules: [] as RuleTally[] },
  };
}

function count(row: Row, outcome: RuleTally['outcome'], rule: string, cost: number, at: number): void {
  let tally = row.rules.find((one) => one.rule === rule && one.outcome === outcome);
  if (tally === undefined) row.rules.push((tally = { outcome, rule, calls: 0, cost: 0, firstAt: at }));
  tally.calls++;
  tally.cost += cost;
  tally.firstAt = Math.min(tally.firstAt, at);
}
