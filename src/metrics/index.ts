/** Counters, histograms and named rows in shared memory, and the pages made of them. */
export {
  CALLER_COLUMNS,
  type CallColumn,
  callAt,
  callColumns,
  callerAt,
  type Decision,
  decisions,
  methodAt,
  upstreamAt,
  upstreamHistogramAt,
} from './columns.ts';
export type { CounterName } from './definitions.ts';
export { definitions } from './definitions.ts';
export {
  contentTypes,
  createMetricsPage,
  labelText,
  type MetricsFormat,
  type MetricsPage,
  metricsFormatOf,
} from './exposition.ts';
export { type FamilyName, families } from './families.ts';
export { createFigureSamples } from './figure-samples.ts';
export { createFigures, type Figures } from './figures.ts';
export { mergeFigures } from './figures-merged.ts';
export { type FiguresRecord, readRecord, recordFigures } from './figures-record.ts';
export {
  clearFigures,
  createFiguresMemory,
  type FiguresMemory,
  keyShapeOf,
  methodShape,
  partsOfName,
  rowName,
  shadowShape,
  threadAt,
  upstreamShape,
} from './figures-memory.ts';
export { type HistogramTotals, quantile, record } from './histogram.ts';
export { createLoopWatch, type LoopWatch } from './loop-watch.ts';
export { METHOD_LABELS_MAX, OTHER_METHODS, wellKnownMethods } from './method-names.ts';
export { LATENCY_BUCKETS, latencyBucket, latencyBucketEnd, latencyQuantile } from './octaves.ts';
export { metricsPage } from './reference.ts';
export { createRowWriter, type RowWriter } from './rows.ts';
export { createSketchWriter, type SketchedAddress } from './sketch.ts';
export { clearGauges, counters, createCounterSlab, latencyOffsets } from './slab.ts';
export type { Totals } from './totals.ts';
