import type { OperationResult } from '../../accounts/index.ts';
import { columns } from './columns.ts';
import { formatDuration } from '../../config/index.ts';
import { quotaText } from './quota-text.ts';

/** A key's limits, its own before its plan's, as they are looked through. */
export function limitsText(key: OperationResult<'keys.limits'>): string {
  const { plan } = key;
  const own = key.overrides.map((limit) => ({ ...limit, from: 'key' }));
  const hidden = new Set(key.overrides.map(({ method }) => method));
  const inherited = (plan?.limits ?? [])
    .filter(({ method }) => !hidden.has(method))
    .map((limit) => ({ ...limit, from: `plan ${plan?.name ?? ''}` }));
  const rows = [...own, ...inherited].map(({ method, requests, periodMs, burstSize, from }) => [
    method,
    String(requests),
    formatDuration(periodMs),
    burstSize === 0 ? '' : String(burstSize),
    from,
  ]);
  const heads = [
    { title: 'method' },
    { title: 'requests', right: true },
    { title: 'period', right: true },
    { title: 'burst', right: true },
    { title: 'from' },
  ];
  const limits =
    rows.length === 0 ? 'No limits of its own: those of the config hold.\n' : columns(heads, rows);
  const from = key.quota === null && plan !== null ? ` (plan ${plan.name})` : '';
  const quota = quotaText(key.quota ?? plan?.quota ?? null);
  return `${key.name} (${key.prefix})\n\n${limits}\nquota: ${quota === '' ? 'none' : quota + from}\n`;
}
