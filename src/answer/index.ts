export type { AnswerRoom, AnswerStats } from './answer-room.ts';
export { createAnswerRoom } from './answer-room.ts';
export type { AnswerCall, AnswerSource, SharedStore } from './ports.ts';
