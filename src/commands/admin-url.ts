import { CommandFailure, exitCodes } from './command.ts';

/** Of a gateway whose config names no other: as the schema has it. */
export const usualAdmin = 'http://127.0.0.1:9540';

/** The URL of `--admin`. Throws CommandFailure where it is none. */
export function adminUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandFailure(`--admin must be an http or https URL, not ${text}`, exitCodes.usage);
  }
  return url;
}
