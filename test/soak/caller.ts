/** Who calls, and what may become of the calls. */
export interface Caller {
  name: string;
  /** The key's text, now; undefined: none is given. */
  key(): string | undefined;
  /** What usage calls that key; undefined where its calls are in none. */
  keyId(key: string | undefined): string | undefined;
  /** Where the key is put. Default: each place in turn. */
  place?: 'header';
  address?: string;
  standing(key: string | undefined, fromMs: number, toMs: number): 'known' | 'unknown' | 'either';
  /** It has a limit or a quota of its own, that refuses. */
  bounded?: 'limit' | 'quota';
  /** `burst_size` of its limit. */
  burst?: number;
}
