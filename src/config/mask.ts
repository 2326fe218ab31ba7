/**
 * Text for people with what may be a secret starred out, character by character, so that columns stay. Errs on the side
 * of hiding: a message needs the place and the kind of a value, never a key.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(/(:\/\/)([^/@]+)(@)/g, (_, a: string, secret: string, b: string) => a + stars(secret) + b)
    .replace(/(:\/\/[^/\s"']+\/)([^\s"',}]+)/g, (_, a: string, path: string) => a + stars(path))
    .replace(
      /((?:^|[\s{,'"_-])(?:x-[\w-]+|api_?key|key|token|bearer|sha256|secret|password|passwd|authorization|auth|cookie)['"]?\s*:\s*)(?!\s)([^,}#]*[^,}#\s])/gi,
      (all, name: string, value: string) => (isReference(value) ? all : name + stars(value)),
    )
    .replace(/[A-Za-z0-9_+/=.~-]{16,}/g, (run) => (looksSecret(run) ? stars(run) : run));
}

/** The same with every value of the line starred out, names kept. */
export function maskValues(line: string): string {
  return line.replace(/(:\s+)([^\s{[][^,}]*)/g, (_, colon: string, value: string) => colon + stars(value));
}

/** Only a `${NAME}`: the name is no secret, and the one who reads needs it. A default may be one. */
function isReference(value: string): boolean {
  return (
    /^["']?\$\{[A-Za-z_][A-Za-z0-9_]*\}?["']?$/.test(value) || /^[|>]?[-+]?$/.test(value) || value === 'null'
  );
}

/** Long, and of letters and digits mixed as words, paths and method names are not. */
function looksSecret(run: string): boolean {
  return run
    .split(/[/.=]/)
    .some(
      (part) =>
        part.length >= 16 && /\d/.test(part) && /[A-Za-z]/.test(part) && !/^[a-z_-]+\d{0,3}$/i.test(part),
    );
}

function stars(text: string): string {
  return '*'.repeat(text.length);
}
