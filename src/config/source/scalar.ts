/** A plain scalar's value under YAML 1.2's core schema, as the yaml library resolves it. */
export function plainScalar(text: string): string | number | boolean | null {
  const first = text.charCodeAt(0);
  // Most scalars begin with a letter that begins no special word: look no further.
  if (first > 57 && !(text.length <= 5 && specialStart.has(first))) return text;
  if (Object.hasOwn(words, text)) return words[text] as boolean | null;
  if (first > 57) return text;
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  if (/^0o[0-7]+$/.test(text)) return Number.parseInt(text.slice(2), 8);
  if (/^0x[0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN;
  const infinite = /^([-+]?)\.(?:inf|Inf|INF)$/.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return text;
}

const words: Readonly<Record<string, boolean | null>> = {
  '~': null,
  null: null,
  Null: null,
  NULL: null,
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
};

const specialStart = new Set([...'~nNtTfF'].map((c) => c.charCodeAt(0)));
