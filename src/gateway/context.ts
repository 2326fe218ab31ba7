import type { Standing } from '../admission/index.ts';
import type { Caller } from './caller.ts';
import type { Policy } from './policy.ts';

/** What read the call: one of HTTP's two parsers, or a WebSocket. */
export type CallLane = 'fast' | 'fallback' | 'websocket';

/** What all calls of a connection share for as long as its requests say the same of caller and target. */
export interface CallContext {
  readonly policy: Policy;
  readonly caller: Caller;
  /** What the blocklist says of the caller's address; brought up to date by `admit`. */
  readonly standing: Standing;
  /** Index of the network; -1 if the target names none. */
  readonly network: number;
  readonly lane: CallLane;
  /** Of the WebSocket that brought it, for explain; null over HTTP. */
  readonly socketId: string | null;
  /** CORS header lines of every answer; '' for callers that are no browser. */
  readonly corsLines: string;
}
