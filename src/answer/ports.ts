/**
 * What this room needs of others. The network's pool takes a `SentCall`, the gateway's call is an `AnswerCall`, the heads
 * of the shared board are a `ChainView`: they fit by structure, since this room stands beside the pool and below the gateway.
 */

/** The chain of one network as far as it is known; read anew at each look. */
export interface ChainView {
  /** Latest block known; -1 where unknown. */
  readonly head: number;
  /** Blocks up to it are final; -1 where unknown. */
  readonly finalized: number;
  /** Counts up whenever an answer that depends on the head may be another one, after what else is here has changed. */
  readonly epoch: number;
  /** Counts up with each reorg; the lowest block number that the last one replaced. */
  readonly reorgs: number;
  readonly reorgFrom: number;
  /** Highest block number that any caller was told; -1 for none. */
  readonly served: number;
}

/** Why there is no answer; see the upstream's `UpstreamFailure`. */
export interface AnswerFailure {
  code: 'no_upstream' | 'upstream_timeout' | 'upstream_invalid' | 'overloaded';
  kind: string;
  reason: string;
  delivered: 'no' | 'maybe';
}

/** What is sent to the pool: a call as it came, or a flight in its place. `Trace` is the pool's own. */
export interface SentCall<Trace> {
  bytes: Buffer;
  start: number;
  end: number;
  idStart: number;
  idEnd: number;
  safe: boolean;
  cheap: boolean;
  method: string;
  retry: 'safe' | 'transaction' | 'never';
  critical: boolean;
  readonly caller: number;
  text: string;
  idAt: number;
  idTo: number;
  readonly traced: boolean;
  via: number;
  attempts: number;
  sentAt: number;
  trace: Trace | null;
  /** `resultStart`: where the result begins, where that was found out before; below 0 or absent: unknown. */
  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
    resultStart?: number,
  ): void;
  failed(failure: AnswerFailure): void;
}

/** One caller's call. It is told exactly once how it ended, by one of three methods. */
export interface AnswerCall<Trace> extends SentCall<Trace> {
  /** The params' range in `bytes`, valid as they are during `send`; -1 for a call without. */
  paramsStart: number;
  paramsEnd: number;
  /** Monotonic microseconds at which it came. */
  readonly startedAt: number;
  /** Where its answer came from; `upstream` before. Set before it is told. */
  source: AnswerSource;
  /** The answer as latin1 text, to have the caller's id between the two; may be told inside `send`. */
  answeredText(before: string, after: string, isError: boolean): void;
}

/**
 * `cache`: what this worker keeps; `shared`: what instances keep together; `joined`: by an identical call that was under way; `hub`:
 * subscriptions, which are answered elsewhere.
 */
export type AnswerSource = 'upstream' | 'cache' | 'shared' | 'joined' | 'hub';

/**
 * Bytes by name that all instances see, each until its time is up. Nothing here throws, and no answer is waited for longer than one
 * command may take: then it is as if there were none.
 */
export interface SharedStore {
  /** False: it is away, and whatever it is asked for is not there. */
  isThere(): boolean;
  /** `then` is called once, never within: the bytes; null: there are none; undefined: no answer. */
  read(name: string, then: (bytes: Buffer | null | undefined) => void): void;
  /**
   * Kept until `untilMs` of the store's own clock, epoch milliseconds. False: dropped, too much is under way; else `then` is called once
   * with whether it was taken.
   */
  write(name: string, bytes: Buffer, untilMs: number, then: (taken: boolean) => void): boolean;
  remove(name: string): void;
  /** What was last said under the name, if anything, and the store's clock in epoch milliseconds; undefined: no answer. */
  hear(name: string, then: (heard: { text: string | null; clockMs: number } | undefined) => void): void;
  /** Says it for so long. `first`: unless something else is said already. */
  say(name: string, text: string, ms: number, first: boolean): void;
}
