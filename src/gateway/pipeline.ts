import type { Call } from './call.ts';

/** One stage: true, and the call goes on; false, and the stage has ended it with a refusal. */
export type Stage = (call: Call) => boolean;

/**
 * What happens to every call, in this order, whichever transport brought it. `answer` ends the call, now
 * or later; that a call has ended is noted where it ends, so there is no stage after it.
 */
export function createPipeline(stages: {
  /** Who is calling, and may they? */
  identify: Stage;
  /** Is the caller's address let in? */
  admit: Stage;
  /** Can its usage be kept? */
  meter: Stage;
  /** Which method is it: its group, its cost, is it blocked? */
  classify: Stage;
  /** What does it cost, if it can be answered without an upstream? */
  price: Stage;
  /** Do its buckets, ceilings and quota hold enough? All or nothing. */
  limit: Stage;
  /** The upstream answers. */
  answer: (call: Call) => void;
}): (call: Call) => void {
  const { identify, admit, meter, classify, price, limit, answer } = stages;
  return (call) => {
    if (identify(call) && admit(call) && meter(call) && classify(call) && price(call) && limit(call))
      answer(call);
  };
}
