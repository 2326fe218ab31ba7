/** What signals do to a running gateway. */
export interface SignalActions {
  /** SIGTERM or SIGINT, the first time. */
  drain(signal: NodeJS.Signals): void;
  /** SIGTERM or SIGINT again: at once, no matter what is under way. */
  abort(signal: NodeJS.Signals): void;
  /** SIGHUP; null where there is nothing to reload: then it ends the program like SIGTERM, as a closed terminal should. */
  reload: (() => void) | null;
}

/** Signals this soon after the first are the same keystroke: npm passes on what the terminal already sent. Milliseconds. */
const sameKeystrokeMs = 500;

/** The part of `process` that signals need. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** Listens for signals; the returned function stops that. `now` is any steady clock in milliseconds. */
export function handleSignals(source: SignalSource, actions: SignalActions, now: () => number): () => void {
  let firstAt: number | undefined;
  const end = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = now();
      actions.drain(signal);
    } else if (now() - firstAt >= sameKeystrokeMs) actions.abort(signal);
  };
  const hangUp = (signal: NodeJS.Signals) => {
    if (actions.reload === null) end(signal);
    else if (firstAt === undefined) actions.reload();
  };
  const listeners = [
    ['SIGTERM', end],
    ['SIGINT', end],
    ['SIGHUP', hangUp],
  ] as const;
  for (const [signal, listener] of listeners) source.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) source.off(signal, listener);
  };
}
