/**
 * The text of a member's value, as it was written, in JSON that was found sound; undefined if it has none of that name.
 * `path` leads through objects: `['params', 'result']`.
 */
export function rawMember(json: string, path: readonly string[]): string | undefined {
  let from = 0;
  let to = json.length;
  for (const name of path) {
    const found = memberAt(json, skipSpace(json, from), name);
    if (found === undefined) return undefined;
    [from, to] = found;
  }
  return json.slice(from, to);
}

/** Where the value of `name` stands in the object that begins at `at`. */
function memberAt(json: string, at: number, name: string): [from: number, to: number] | undefined {
  if (json[at] !== '{') return undefined;
  at = skipSpace(json, at + 1);
  while (json[at] === '"') {
    const keyEnd = endOfString(json, at);
    const key = JSON.parse(json.slice(at, keyEnd)) as string;
    const from = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const to = endOfValue(json, from);
    if (key === name) return [from, to];
    at = skipSpace(json, to);
    if (json[at] === ',') at = skipSpace(json, at + 1);
  }
  return undefined;
}

function skipSpace(json: string, at: number): number {
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++;
  return at;
}

function endOfString(json: string, at: number): number {
  for (at++; json[at] !== '"'; at++) if (json[at] === '\\') at++;
  return at + 1;
}

function endOfValue(json: string, at: number): number {
  if (json[at] === '"') return endOfString(json, at);
  let depth = 0;
  for (; at < json.length; at++) {
    const character = json[at]!;
    if (character === '"') at = endOfString(json, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && /[,\s]/.test(character)) return at;
  }
  return at;
}
