import { CommandFailure, exitCodes } from './command.ts';
import type { CommandIo } from './io.ts';

/** Of a gateway whose config names no other: as the schema has it. */
export const usualAdmin = 'http://127.0.0.1:9540';

/** The option that says who asks, for commander. */
export const tokenOption = [
  '--token <token>',
  'admin token; default: POLYMORPH_ADMIN_TOKEN from the environment',
] as const;

/** What it was given, or the environment has; null: nothing. */
export function adminToken(given: string | undefined, env: CommandIo['env']): string | null {
  return (given ?? env['POLYMORPH_ADMIN_TOKEN']) || null;
}

/** What to do where the admin listener answers 401. */
export function tokenAsked({ origin }: URL): string {
  return `The admin listener at ${origin} asks for its token: --token TOKEN or POLYMORPH_ADMIN_TOKEN`;
}

/** Why it does not answer at all. Where several addresses were tried the error has a code alone. */
export function unreachable({ origin }: URL, error: unknown): string {
  const { message, code } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  return `Cannot reach the admin listener at ${origin}: ${message || code}`;
}

/** The URL of `--admin`. Throws CommandFailure where it is none. */
export function adminUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandFailure(`--admin must be an http or https URL, not ${text}`, exitCodes.usage);
  }
  return url;
}
