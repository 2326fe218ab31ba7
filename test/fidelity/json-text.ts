/**
 * Members and items of JSON text that is known to be well-formed, as they are written. Texts are latin1 strings, one
 * character a byte, so that nothing is decoded on the way. Knows nothing of the gateway's own scanner: it is what that
 * is compared with.
 */

/** Of an object: each member's value by its key, both as written. The last of equal keys. */
export function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  for (const part of partsOf(text)) {
    const keyEnd = endOfValue(part, 0);
    members.set(part.slice(1, keyEnd - 1), part.slice(part.indexOf(':', keyEnd) + 1).trim());
  }
  return members;
}

/** Of an array: its items. */
export function itemsOf(text: string): string[] {
  return partsOf(text);
}

/** What stands between the commas of an object or array, without white space around. */
function partsOf(text: string): string[] {
  const inner = text.trim();
  const parts: string[] = [];
  let start = 1;
  for (let at = 1; at < inner.length - 1; at = endOfToken(inner, at)) {
    if (inner[at] !== ',') continue;
    parts.push(inner.slice(start, at).trim());
    start = at + 1;
  }
  const last = inner.slice(start, -1).trim();
  return last === '' ? parts : [...parts, last];
}

/** Where the string, object or array that begins at `at` ends, or else the next character. */
function endOfToken(text: string, at: number): number {
  return /["[{]/.test(text[at] as string) ? endOfValue(text, at) : at + 1;
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      at += 1;
      while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new Error(`not well-formed: ${text.slice(0, 200)}`);
}
