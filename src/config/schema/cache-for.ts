import { formatDuration, parseDuration, unitHint } from '../quantity.ts';
import { field } from './fields.ts';

/** For ever, as milliseconds. */
export const FOREVER_MS = Number.MAX_SAFE_INTEGER;

const LONGEST_MS = 365 * 86_400_000;
const expected = 'off, forever or a duration up to 365d';

/** Milliseconds: 0 is never, {@link FOREVER_MS} for ever. */
export const cacheFor = field<number>(
  {
    type: '`off`, `forever` or duration',
    about: 'How long an answer is kept.',
    bounds: 'up to 365d',
    json: {
      anyOf: [
        { enum: ['off', 'forever'] },
        { type: 'string', pattern: '^(0|\\d+(\\.\\d+)? ?(ms|s|m|h|d))$' },
      ],
    },
    expected,
  },
  undefined,
  (value, fail) => {
    if (value === 'off' || value === false || value === 0) return 0;
    if (value === 'forever') return FOREVER_MS;
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) return fail({ expected, suggestion: unitHint(String(value), 'duration') });
    return ms <= LONGEST_MS ? ms : fail({ expected, suggestion: 'the most is 365d; or say forever' });
  },
);

/** `off`, `forever`, `10s`. */
export function formatCacheFor(ms: number): string {
  if (ms === FOREVER_MS) return 'forever';
  return ms === 0 ? 'off' : formatDuration(ms);
}
