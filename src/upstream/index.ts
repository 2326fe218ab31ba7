/** Towards the nodes: connections, the three modes, deadlines, and what of an answer is trusted. */
export {
  type BoardMemory,
  clearWorker,
  createBoardMemory,
  createHeads,
  createUpstreamBoard,
  type Heads,
  health,
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
export {
  createHealthMonitor,
  createNode,
  type HealthEvent,
  type HealthMonitor,
  type NetworkHealth,
  type Node,
  type Told,
  type UpstreamHealth,
} from './health/index.ts';
export type { BreakerReading, BreakerState } from './pool/breaker.ts';
export type { PoolTotals } from './pool/totals.ts';
export {
  createUpstreamPool,
  type PooledUpstreamStats,
  type UpstreamPool,
  type UpstreamPoolDeps,
} from './pool.ts';
