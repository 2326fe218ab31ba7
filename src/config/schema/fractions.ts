import type { z } from 'zod';
import { asNumber, field } from './fields.ts';

/** A share, written `0.01` or `1%`: from 0 to 1 unless `min` and `max`, as written, say less. */
export function share(spec: {
  default: string;
  about: string;
  min?: string;
  max?: string;
}): z.ZodType<number> {
  const read = (value: unknown): number => {
    if (typeof value === 'string' && value.endsWith('%')) return asNumber(value.slice(0, -1).trim()) / 100;
    return asNumber(value);
  };
  const { min = '0', max = '1' } = spec;
  const [least, most] = [read(min), read(max)];
  const whole = least === 0 && most === 1;
  return field(
    {
      type: 'share',
      about: spec.about,
      bounds: whole ? '0 to 1, or 0% to 100%' : `${min} to ${max}`,
      json: {
        anyOf: [
          { type: 'number', minimum: least, maximum: most },
          { type: 'string', pattern: '^\\d+(\\.\\d+)? ?%$' },
        ],
      },
    },
    { written: spec.default, value: read(spec.default) },
    (value, fail) => {
      const number = read(value);
      return number >= least && number <= most
        ? number
        : fail({ expected: `a share such as 1% or 0.01, from ${min} to ${max}` });
    },
  );
}

/** A number that need not be whole. */
export function decimal(spec: {
  min: number;
  max: number;
  default: number;
  about: string;
  unit?: string;
}): z.ZodType<number> {
  const { min, max, about, unit } = spec;
  const bounds = `${min} to ${max}`;
  return field(
    {
      type: unit ? `number (${unit})` : 'number',
      about,
      bounds,
      json: { type: 'number', minimum: min, maximum: max },
    },
    { written: String(spec.default), value: spec.default },
    (value, fail) => {
      const number = asNumber(value);
      return number >= min && number <= max ? number : fail({ expected: `a number from ${bounds}` });
    },
  );
}
