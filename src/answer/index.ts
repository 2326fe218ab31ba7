export type { AnswerDeps, AnswerRoom, AnswerStats } from './answer-room.ts';
export { createAnswerRoom } from './answer-room.ts';
export type { AnswerCall, AnswerFailure, AnswerSource, ChainView, SentCall, SharedStore } from './ports.ts';
