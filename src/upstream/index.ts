/** Towards the nodes: connections, the three modes, deadlines, and what of an answer is trusted. */
export {
  type BoardMemory,
  createBoardMemory,
  createHeads,
  createUpstreamBoard,
  type Heads,
  health,
  healthReasons,
  healthReasonTexts,
  type UpstreamBoard,
} from './board.ts';
export type {
  DeliveryTrace,
  FailureKind,
  Upstream,
  UpstreamCall,
  UpstreamDeps,
  UpstreamFailure,
  UpstreamObserver,
  UpstreamStats,
} from './call.ts';
export { createUpstreamPool, type UpstreamPool } from './pool.ts';
