/** When an instance looks at what it holds of quotas and uses of them, and tells. */
export const quotaTiming = {
  /** Between two looks at what is held. */
  tickMs: 1000,
  /** What was used is reported after this long, also where nothing more is needed. */
  reportMs: 2000,
  /** What is held and not used for so long goes back. */
  idleMs: 3000,
  /** What was not used for so long has come to rest: no call is under way that may give it back. */
  restMs: 20_000,
  /** So long calls are refused, once the others hold all that is left: they may give some back. */
  dryMs: 500,
  /**
   * Of a quota that is used up is asked again after this long, and then half as often each time: a call that came to nothing may have given
   * some back. A hundred thousand that are used up cost less than two thousand asks a second.
   */
  usedUpMs: 5000,
  usedUpMsMax: 60_000,
};
