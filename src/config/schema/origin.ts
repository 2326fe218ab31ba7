import { text, wrong } from './fields.ts';

/** A page's origin, in lower case, or `*`. */
export const origin = text<string>({
  type: 'origin',
  about: '`*` or an origin such as `https://app.example`.',
  expected: '* or an origin such as https://app.example, without a path',
  parse(written) {
    if (written === '*' || written === 'null') return written;
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/\s*?#@]+$/i.test(written)) return written.toLowerCase();
    return wrong({ suggestion: written.endsWith('/') ? 'without the slash at the end' : undefined });
  },
});
