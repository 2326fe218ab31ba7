/** One HTTP answer as it stood on the wire. */
export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Map<string, string>;
  body: string;
}

/**
 * Reads all answers a connection gave, strictly: status line, CRLF line ends, no header twice, Content-Length as told,
 * nothing left over. Throws with what is wrong. Interim answers are passed over.
 *
 * @param bodiless whether the answer in this place has no body, whatever its Content-Length: to HEAD
 */
export function readAnswers(text: string, bodiless: (place: number) => boolean = () => false): Answer[] {
  const answers: Answer[] = [];
  let rest = text;
  while (rest !== '') {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) throw new Error(`an answer without end of its head: ${show(rest)}`);
    const [start, ...lines] = rest.slice(0, headEnd).split('\r\n');
    const status = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]+$/.exec(start!)?.[1];
    if (status === undefined) throw new Error(`no status line: ${show(rest)}`);
    rest = rest.slice(headEnd + 4);
    if (status === '100') continue;
    const headers = readHeaders(lines);
    const length = bodiless(answers.length) || status === '204' ? 0 : Number(headers.get('content-length'));
    if (!Number.isInteger(length)) throw new Error(`no length: ${show(lines.join('|'))}`);
    if (rest.length < length) throw new Error(`a body cut off: ${show(rest)} of ${length}`);
    answers.push({ status: Number(status), headers, body: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return answers;
}

function readHeaders(lines: string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const found = /^([!#$%&'*+.^_`|~\w-]+): ?([\t -~]*)$/.exec(line);
    if (found === null) throw new Error(`no header: ${show(line)}`);
    const name = found[1]!.toLowerCase();
    if (headers.has(name)) throw new Error(`twice in an answer: ${name}`);
    headers.set(name, found[2]!);
  }
  return headers;
}

export function show(text: string): string {
  return JSON.stringify(text.length > 400 ? `${text.slice(0, 400)}…` : text);
}
