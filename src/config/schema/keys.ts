import { hash } from 'node:crypto';
import { z } from 'zod';
import { isKeyText, keyLengthMin, keyPrefix, parseApiKey, sha256Prefix } from '../../identity/index.ts';
import { parseMoment } from '../moment.ts';
import { delegated, list, orNull, section, record } from './containers.ts';
import { factsOf } from './facts.ts';
import { choice, flag, integer, text, wrong } from './fields.ts';
import { isParsedEntry } from './key-memo.ts';
import { keyLimitFields } from './limits.ts';
import { keyWebsocket } from './websocket.ts';

/** A key in the only form it is kept. */
export interface KeyDigest {
  /** Hex, 64 characters. */
  sha256: string;
  /** 8 characters that name the key in logs. */
  prefix: string;
  /** Is it of our own form (`pp_live_…`) with a checksum that is wrong: probably copied badly? */
  badChecksum: boolean;
}

const key = text<KeyDigest | null>({
  type: 'text',
  about: 'The key itself, hashed as it is read; or give `sha256`.',
  bounds: '22 to 256 characters of `A-Z a-z 0-9 . _ ~ -`',
  secret: true,
  expected: `at least ${keyLengthMin} characters of A-Z a-z 0-9 . _ ~ -`,
  default: { written: '', value: null },
  parse(written) {
    if (!isKeyText(written))
      return written.length < keyLengthMin ? wrong({ suggestion: 'it is too short' }) : undefined;
    return {
      sha256: hash('sha256', written, 'hex'),
      prefix: keyPrefix(written),
      badChecksum: written.startsWith('pp_live_') && parseApiKey(written) === undefined,
    };
  },
});

const sha256 = text<KeyDigest | null>({
  type: 'hex',
  about: 'SHA-256 of the key, in hex.',
  bounds: '64 hex digits',
  secret: true,
  expected: '64 hex digits',
  pattern: '^[0-9A-Fa-f]{64}$',
  default: { written: '', value: null },
  parse(written) {
    if (!/^[0-9a-f]{64}$/i.test(written)) return undefined;
    const digest = written.toLowerCase();
    return { sha256: digest, prefix: sha256Prefix(Buffer.from(digest, 'hex')), badChecksum: false };
  },
});

const expires = text<number>({
  type: 'date or time',
  about: 'From when it is refused (UTC): `2027-01-31` or `2027-01-31T12:00:00Z`.',
  expected: 'a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
  default: { written: 'never', value: 0 },
  parse: (written) => (written === 'never' ? 0 : parseMoment(written)),
});

const quotaNumber = (about: string) => orNull(integer({ min: 1, max: 1_000_000_000_000_000, about }), 'none');

const quotaFields = {
  requests: quotaNumber('Calls answered in a period. Either this or `cost`.'),
  cost: quotaNumber('Cost units in a period. Either this or `requests`.'),
  period: choice({ values: ['day', 'month'], about: 'Calendar day or month, UTC.' }),
  warn_at: list(integer({ min: 1, max: 100, unit: 'per cent', about: 'A percentage.' }), {
    type: 'list of percentages',
    about: 'Where a warning is sent.',
    default: ['80'],
    max: 10,
  }),
};

const quotaRecord = z.strictObject(quotaFields);
const quota = delegated(quotaRecord as unknown as z.ZodType<z.output<typeof quotaRecord>>, {
  facts: {
    ...factsOf(record('What a key may use in a period.', quotaFields)),
    type: 'quota',
    about: 'What it may use in a period; refused beyond (402).',
    default: 'none',
  },
  ready: (value) => (value === undefined || value === null || value === 'none' ? null : undefined),
});

const keyRecord = record('One API key.', {
  name: text<string>({
    type: 'name',
    about: 'Whose it is. Its quota goes on when the key is replaced.',
    expected: 'a name: letters, digits, `.`, `_`, `@`, `-`, at most 128',
    parse: (name) => (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/.test(name) ? name : undefined),
  }),
  key,
  sha256,
  enabled: flag({ default: true, about: '`false` refuses it (401).' }),
  expires,
  limits: section('Its own limits, before those of all callers.', keyLimitFields),
  quota,
  websocket: keyWebsocket,
});

const keyEntry = delegated(keyRecord, {
  facts: factsOf(keyRecord),
  ready: (value) => (isParsedEntry(value) ? (value as z.output<typeof keyRecord>) : undefined),
});

export const keysList = list(keyEntry, {
  type: 'list of keys',
  about:
    'API keys. A caller gives one as `X-API-Key`, `Authorization: Bearer`, in the path or as `?api_key=`.',
  max: 1_000_000,
});
