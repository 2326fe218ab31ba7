/** HTTP/1.1 towards the callers: the fast lane, node:http behind it, and the end of a turn. */
export type {
  HttpRequest,
  HttpSettings,
  HttpStats,
  RefuseHttp,
  Reply,
} from './message.ts';
export {
  clearConnections,
  createConnectionCounts,
  createConnectionMemory,
} from './connection-counts.ts';
export type { TlsFiles } from './node-server.ts';
export { createHttpFront } from './server.ts';
export { type AnswerHolder, HeldAnswers } from './held-answers.ts';
export { inOnePiece } from './one-piece.ts';
export { noHttpStats, PIPELINE_DEPTH_MAX, PIPELINE_DEPTH_RESUME } from './message.ts';
export { StalledWrites } from './stalled-writes.ts';
export type { UpgradeHandler, UpgradeRequest } from './upgrade.ts';
export { createTurn, type Turn, type TurnTask } from './turn.ts';
