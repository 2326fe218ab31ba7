import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { membersOf } from './json-text.ts';

/** What was once said and answered. Latin1: one character a byte. */
export interface Exchange {
  /** Where it stands, from the corpus's folder. */
  source: string;
  request: string;
  response: string;
}

/**
 * All exchanges of a folder of `.io` files, the form of the execution-apis tests: `>> ` before a request, `<< ` before
 * its response, a line each. Empty where the folder is not there.
 */
export function readTranscripts(folder: string): Exchange[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.io'),
  );
  return files.toSorted().flatMap((source) => {
    const lines = readFileSync(join(folder, source), 'latin1').split('\n');
    const said = (mark: string) =>
      lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
    const responses = said('<< ');
    return said('>> ').map((request, index) => ({ source, request, response: responses[index] ?? '' }));
  });
}

/** By what a node finds the response to a request: its method and params, as written. */
export function callOf(request: string): string {
  const members = membersOf(request);
  return `${(members.get('method') ?? '').slice(1, -1)} ${members.get('params') ?? ''}`;
}

/** JSON text of an object with the value of its `id` replaced. */
export function withId(text: string, id: string): string {
  const at = /"id"\s*:\s*/.exec(text);
  const old = membersOf(text).get('id');
  if (at === null || old === undefined) return text;
  const start = at.index + at[0].length;
  return text.slice(0, start) + id + text.slice(start + old.length);
}
