import { InvalidArgumentError } from 'commander';
import { grouped } from './columns.ts';

export interface Quota {
  unit: 'requests' | 'cost';
  limit: number;
  period: 'day' | 'month';
  warnAt: number[];
}

/** What `--quota` was given: wrapped, since commander makes an empty text of an argument that is parsed to null. */
export interface QuotaArgument {
  readonly quota: Quota | null;
}

/** `1000000/month`, `cost:50000/day`, with `@80,95` for warnings; `none` is null. For commander. */
export function quotaArgument(text: string): QuotaArgument {
  return { quota: text === 'none' ? null : parseQuota(text) };
}

function parseQuota(text: string): Quota {
  const [, unit = 'requests', limit, period, warnings] =
    /^(?:(requests|cost):)?(\d{1,16})\/(day|month)(?:@(\d{1,3}(?:,\d{1,3})*))?$/.exec(text) ?? [];
  if (limit === undefined || period === undefined)
    throw new InvalidArgumentError(
      'Expected <number>/day or /month, such as 1000000/month, cost:50000/day or 1000000/month@80,95 (warnings at 80 and 95 %), or none.',
    );
  return {
    unit: unit as Quota['unit'],
    limit: Number(limit),
    period: period as Quota['period'],
    warnAt: warnings === undefined ? [80] : warnings.split(',').map(Number),
  };
}

/** For people: `1,000,000 requests a month, warnings at 80 %`. */
export function quotaText(quota: Quota | null): string {
  if (quota === null) return '';
  const { unit, limit, period, warnAt } = quota;
  const what = unit === 'cost' ? 'cost units' : 'requests';
  const warnings = warnAt.length === 0 ? '' : `, warnings at ${warnAt.join(', ')} %`;
  return `${grouped(limit)} ${what} a ${period}${warnings}`;
}
