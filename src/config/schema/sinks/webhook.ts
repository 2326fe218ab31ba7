import { list, namedMap, record } from '../containers.ts';
import { text, wrong } from '../fields.ts';
import { headerKey, headerValue } from '../header-field.ts';
import { guardedFields, sinkFields } from './sink-fields.ts';
import { sinkUrl } from './sink-url.ts';

/** Of Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and base64 of an ed25519 key. */
const secret = text<string>({
  type: 'text',
  about: 'A secret.',
  expected: 'whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an ed25519 private key',
  secret: true,
  parse(written) {
    const [, kind, base64 = ''] = /^(whsec_|whsk_)([A-Za-z0-9+/]+={0,2})$/.exec(written) ?? [];
    const { length } = Buffer.from(base64, 'base64');
    if (kind === 'whsec_' && length >= 24 && length <= 64) return written;
    if (kind === 'whsk_' && (length === 32 || length === 64)) return written;
    return kind === undefined ? undefined : wrong({ suggestion: `it holds ${length} bytes after ${kind}` });
  },
});

export const webhookSink = record('An HTTP POST of the event to a URL, signed as Standard Webhooks says.', {
  ...sinkFields('webhook', 'A signed HTTP POST.'),
  url: sinkUrl('Where to. Redirects are not followed.', {
    expected: 'a URL such as https://example.com/hooks',
    credentials: 'give credentials in headers',
  }),
  secrets: list(secret, {
    type: 'list of secrets',
    about:
      'What it is signed with: `whsec_…` (HMAC-SHA256) or `whsk_…` (ed25519). Several while one takes the place of another: a signature each. Empty: not signed.',
    max: 10,
  }),
  headers: namedMap(headerKey, headerValue, {
    type: 'map of headers',
    about: 'Sent along.',
  }),
  ...guardedFields,
});
