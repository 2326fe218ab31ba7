/** Control characters, line breaks, and those that turn the direction of text or cannot be seen. */
const unseen = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** A foreign text as one line without characters that hide or turn what is beside them; unpaired surrogates made visible. */
export function oneLine(text: string): string {
  return text.replace(unseen, ' ').toWellFormed().trim();
}

/** The first `max` UTF-16 units, ending in `…` where something was cut; never half a character. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = max - 1;
  const half = end > 0 && /[\ud800-\udbff]/.test(text[end - 1] ?? '');
  return `${text.slice(0, Math.max(0, half ? end - 1 : end))}…`;
}

/**
 * What `escape` makes of as much of `text` as fits in `max` units: an escape is never cut in two. `…` stands where something
 * was cut.
 */
export function clipEscaped(text: string, max: number, escape: (text: string) => string): string {
  const whole = escape(text);
  if (whole.length <= max) return whole;
  let [least, most] = [0, Math.min(text.length, max)];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (escape(clip(text, middle)).length <= max) least = middle;
    else most = middle - 1;
  }
  return least === 0 ? '' : escape(clip(text, least));
}
