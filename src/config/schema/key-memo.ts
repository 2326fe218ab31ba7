/**
 * Parsed entries of `keys` by their text in the file. A reload finds an unchanged entry here and reads, parses, hashes and
 * checks it no more. Holds the text of keys: as secret as the file.
 */
export interface KeyMemo {
  /** The parsed entry of a text, or undefined. */
  get(text: string): object | undefined;
  /** Remembers which text an entry that is about to be parsed was read from. */
  read(entry: object, text: string): void;
  /** Says what an entry was parsed to. */
  parsed(entry: object, result: object): void;
  /** Forgets what the last load did not use. */
  sweep(): void;
}

const results = new WeakSet<object>();

/** Is this already a parsed entry, out of a memo? */
export function isParsedEntry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && results.has(value);
}

export function createKeyMemo(): KeyMemo {
  let last = new Map<string, object>();
  let current = new Map<string, object>();
  const texts = new WeakMap<object, string>();
  return {
    get(text) {
      const entry = current.get(text) ?? last.get(text);
      if (entry) current.set(text, entry);
      return entry;
    },
    read(entry, text) {
      texts.set(entry, text);
    },
    parsed(entry, result) {
      const text = texts.get(entry);
      if (text === undefined) return;
      results.add(result);
      current.set(text, result);
    },
    sweep() {
      last = current;
      current = new Map();
    },
  };
}
