import type { LeaseAnswer, LeaseAsk, LeaseStore } from '../../limits/index.ts';
import { limitScript } from './limit-script.ts';
import { createScriptCall } from './script-calls.ts';
import type { ScriptCallsOptions } from './script-calls.ts';
import { createScriptMessage, slotTag } from './script-message.ts';
import type { ScriptMessage } from './script-message.ts';

export interface LeaseStoreOptions extends ScriptCallsOptions {
  /** Before each bucket's key, such as `pp:`. */
  prefix: string;
  /**
   * Name of this run of this instance, at most 255 bytes: one that starts again counts its grants from 1 again, and must
   * not be taken for the one before.
   */
  holder: string;
}

/** Asks in one call of the script. */
const asksMax = 100;

/** To one Redis a hundred asks are one round trip; to a Cluster one for each owner, all at once. */
export function createLeaseStore(options: LeaseStoreOptions): LeaseStore {
  const { client, prefix, holder } = options;
  if (Buffer.byteLength(holder) > 255) throw new RangeError('holder must have 255 bytes at most');
  const call = createScriptCall(limitScript('lease'), options);

  async function send(asks: readonly LeaseAsk[], at: readonly number[], answers: (LeaseAnswer | null)[]) {
    const message = createScriptMessage(prefix);
    const rest: (string | number)[] = [holder];
    for (const place of at) pushAsk(rest, message, asks[place]!);
    const answer = await call(message, rest);
    if (answer !== null) at.forEach((place, i) => (answers[place] = readAnswer(answer, i)));
  }

  return {
    async ask(asks) {
      const answers: (LeaseAnswer | null)[] = asks.map(() => null);
      const places = asks.map((_, place) => place);
      const groups = client.isCluster
        ? [...Map.groupBy(places, (place) => slotTag(asks[place]!.bucket)).values()]
        : [places];
      const calls = groups.flatMap((group) => inPieces(group).map((piece) => send(asks, piece, answers)));
      await Promise.all(calls);
      return answers;
    },
  };
}

function inPieces(places: number[]): number[][] {
  const pieces: number[][] = [];
  for (let from = 0; from < places.length; from += asksMax) pieces.push(places.slice(from, from + asksMax));
  return pieces;
}

/** @internal One ask, as lease.lua reads it. */
export function pushAsk(rest: (string | number)[], message: ScriptMessage, ask: LeaseAsk): void {
  const { bucket, shape, seq, unspent, want, least, ttlMs, leave } = ask;
  rest.push(message.key(bucket), message.shape(shape), seq, unspent, want, least, ttlMs, leave ? 1 : 0);
}

/** @internal The answer to the ask at `index`. */
export function readAnswer(answer: readonly number[], index: number): LeaseAnswer {
  const at = index * 3;
  return { granted: answer[at]!, rest: answer[at + 1]!, waitMs: answer[at + 2]! };
}
