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
  UpstreamCall,
  UpstreamFailure,
  UpstreamStats,
} from './call.ts';
export {
  createHealthMonitor,
  createNode,
  type HealthEvent,
  type HealthMonitor,
  type NetworkHealth,
  type Node,
} from './health/index.ts';
export type { BreakerState } from './pool/breaker.ts';
export {
  createUpstreamPool,
  type UpstreamPool,
} from './pool.ts';
