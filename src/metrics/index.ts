export type { CounterDefinition, CounterName, LatencyName, MethodColumn } from './definitions.ts';
export { definitions } from './definitions.ts';
export type { HistogramTotals } from './histogram.ts';
export { quantile, record } from './histogram.ts';
export type { MethodNumbers } from './method-names.ts';
export { createMethodNumbers, wellKnownMethods } from './method-names.ts';
export {
  clearGauges,
  counters,
  createCounterSlab,
  latencyOffsets,
  methodIndex,
} from './slab.ts';
export type { Totals } from './totals.ts';
export { readTotals } from './totals.ts';
