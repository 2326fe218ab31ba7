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
