export { isLoopbackHost } from './auth/host.ts';
export type {
  AdminPorts,
  ExplainAsk,
  ExplainReply,
  OperationsPort,
  Readiness,
  ReadinessCheck,
} from './ports.ts';
export { type AdminAccess, type AdminServer, startAdminServer } from './server.ts';
export type {
  CallCounts,
  Identity,
  Latencies,
  Latency,
  Methods,
  Range,
  Scope,
  ScopeView,
  Summary,
  Top,
  TopOrder,
  UpstreamStatsView,
} from './stats/index.ts';
export { refusals, refusedOf, scopes, statisticsPage, statsSchemas } from './stats/index.ts';
