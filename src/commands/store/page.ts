import { type Command, InvalidArgumentError } from 'commander';

export interface PageOptions {
  after?: string;
  limit?: number;
}

/** Options of a list that may be long. */
export function pageOptions(command: Command, what: string): Command {
  return command
    .option('--limit <number>', 'how many at most, to 10000; default: 1000', listLimit)
    .option('--after <last>', `go on after this ${what}`);
}

/** What stands under a list that was cut. */
export function pageEnd(next: string | null): string {
  return next === null ? '' : `\nThere are more: go on with --after ${next}\n`;
}

function listLimit(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000)
    throw new InvalidArgumentError('Expected a whole number from 1 to 10000.');
  return number;
}
