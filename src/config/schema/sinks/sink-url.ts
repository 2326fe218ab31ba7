import type { z } from 'zod';
import { text, wrong } from '../fields.ts';

/** An `http` or `https` URL of a service; its path may be what lets one in. */
export function sinkUrl(
  about: string,
  {
    fallback,
    expected = 'a URL such as https://hooks.example.com/services/…',
    credentials = 'credentials do not belong into it',
  }: { fallback?: string; expected?: string /** What to do with them. */; credentials?: string } = {},
): z.ZodType<string> {
  return text<string>({
    type: 'URL',
    about,
    secret: true,
    expected,
    default: fallback === undefined ? undefined : { written: fallback, value: fallback },
    parse(written) {
      const fine = /^https?:\/\/[^/\s]/i.test(written) && !/[\s\p{Cc}\\]/u.test(written);
      if (!fine || !URL.canParse(written)) return undefined;
      const { username, password } = new URL(written);
      if (username !== '' || password !== '') return wrong({ suggestion: credentials });
      return written;
    },
  });
}
