import { z } from 'zod';
import { text } from './fields.ts';

/** Headers of our own requests that are ours to write; for calls upstream/request-head.ts refuses the same, without loading this room. */
const ownHeaders: ReadonlySet<string> = new Set([
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'accept-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
]);

export const headerKey: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, { error: 'expected a header name' })
  .refine((name) => !ownHeaders.has(name.toLowerCase()), {
    error: 'this header is written by the gateway itself',
  });

export const headerValue = text<string>({
  type: 'text',
  about: 'The value.',
  secret: true,
  bounds: 'at most 4096 visible ASCII characters',
  expected: 'at most 4096 visible ASCII characters',
  parse: (value) => (/^[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?$/.test(value) ? value : undefined),
});
