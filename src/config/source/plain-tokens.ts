/** Thrown inside the readers only: the text is outside the subset. */
export const outside = Symbol('outside the subset');

/** Index of the closing quote of the simple quoted scalar at `at`: no escapes, printable ASCII. */
export function quotedEnd(text: string, at: number, to: number): number {
  const quote = text.charCodeAt(at);
  for (let i = at + 1; i < to; i += 1) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      if (text.charCodeAt(i + 1) === quote) throw outside;
      return i;
    }
    if (code === 92 || code < 32 || code > 126) throw outside;
  }
  throw outside;
}

/** `A-Z a-z 0-9 _ - . *`: what names of sections, methods and patterns are made of. */
export function isNameCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 45 ||
    code === 46 ||
    code === 42
  );
}

/** Letters, digits, `_ / $ + .`: whatever else may begin a plain scalar is left to the library. */
export function startsPlain(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 47 && code <= 57) ||
    code === 95 ||
    code === 36 ||
    code === 43 ||
    code === 46
  );
}
