/** The data plane: one call's way from a request to its answer, and the worker thread that runs it. */
export type { WorkerEvent } from './event-fold.ts';
export type { DecisionRecord } from './decisions/decision.ts';
export { createDryRun } from './decisions/dry-run.ts';
export {
  BANNED_THEN,
  createReplay,
  type RecordedCall,
  type Replay,
  type ReplayVerdict,
} from './decisions/replay.ts';
export type { FromWorker, LogLine, ToWorker, WorkerStart } from './messages.ts';

/** Where the worker threads begin; beside this file, in the sources as in the build. */
export const workerUrl = new URL(
  `./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);
