import type { z } from 'zod';
import { text } from './fields.ts';

/** The path of a PEM file, absolute or from the config's folder. */
export function pemFile(about: string): z.ZodType<string>;
export function pemFile(about: string, fallback: { written: string; value: null }): z.ZodType<string | null>;
export function pemFile(
  about: string,
  fallback?: { written: string; value: null },
): z.ZodType<string | null> {
  return text<string | null>({
    type: 'file',
    about,
    expected: 'the path of a file, absolute or from the config’s folder',
    default: fallback,
    parse: (path) => (path.length > 0 && !path.includes('\0') ? path : undefined),
  });
}
