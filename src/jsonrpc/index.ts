export { ANSWER_DEPTH_MAX, scanAnswer, scanAnswers } from './answer.ts';
export { AnswerScan } from './answer-scan.ts';
export { scanBatch } from './batch.ts';
export { describeFault } from './describe.ts';
export {
  createErrorAnswer,
  type ErrorAnswer,
  faultDetail,
  type RefusalDetail,
} from './error-answer.ts';
export { docsBase, type RefusalCode, refusals } from './errors.ts';
export * from './faults.ts';
export { joinAnswers } from './join.ts';
export {
  type Fault,
  KIND_BATCH,
  KIND_OBJECT,
  KIND_OTHER,
  METHOD_BYTES_MAX,
  MessageScan,
  REQUEST_DEPTH_MAX,
} from './message-scan.ts';
export { methodName } from './method.ts';
export { matchMethod, patternMatches, patternSpecificity } from './method-pattern.ts';
export { scanRequest } from './request.ts';
