/** Towards the nodes: connections, the three modes, deadlines, and what of an answer is trusted. */
export type {
  FailureKind,
  Upstream,
  UpstreamCall,
  UpstreamDeps,
  UpstreamFailure,
  UpstreamStats,
} from './call.ts';
export { createUpstreamPool, type UpstreamPool } from './pool.ts';
