/** What stands where a secret stood. */
export const redacted = '[redacted]';

const keptPrefixLength = 'pp_live_'.length + 8;

/**
 * Takes secrets out of one log line, whatever field they came in by: our own keys are cut to their public prefix,
 * `api_key` parameters, bearer tokens, key headers and passwords in URLs lose their value, and so does each of
 * `secrets` (the admin token, for one). Works on the finished text, so that no call of the logger can get past it.
 */
export function createRedactor(secrets: readonly string[] = []): (line: string) => string {
  // Shorter ones would blank ordinary words.
  const literal = secrets.filter((secret) => secret.length >= 8);
  return (line) => {
    let text = line;
    for (const secret of literal) text = text.replaceAll(secret, redacted);
    return text
      .replace(/pp_live_[0-9A-Za-z]{9,}/g, (key) => `${key.slice(0, keptPrefixLength)}…`)
      .replace(/(api_?key=)[^&\s"'\\]+/gi, `$1${redacted}`)
      .replace(/(bearer\s+)[\w.~+/=-]+/gi, `$1${redacted}`)
      .replace(
        /((?:"|\b)(?:x-api-key|authorization)"?\s*[:=]\s*"?)(?!\[redacted\]|bearer\b)[^"\s,}]+/gi,
        `$1${redacted}`,
      )
      .replace(/(\w:\/\/)[^/@\s"]+@/g, `$1${redacted}@`);
  };
}
