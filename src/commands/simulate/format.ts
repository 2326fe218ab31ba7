import { type Column, columns, grouped, utc } from '../store/columns.ts';
import type { SimulationReport } from './report.ts';

const heads: Column[] = [
  { title: 'caller' },
  { title: 'method' },
  ...['calls', 'refused then', 'refused', 'share', 'cost units'].map((title) => ({ title, right: true })),
  { title: 'first (UTC)' },
  { title: 'by' },
];

/** The report for people; `rowsMax` of each table. */
export function formatReport(report: SimulationReport, rowsMax: number): string {
  const { config, calls, refusedThen, refused, from, to } = report;
  if (from === null || to === null)
    return `No calls were found to replay.\n${list(report.notes)}${list(report.problems)}`;
  const span = `${utc(from)} to ${utc(to)} UTC`;
  const parts = [
    `${grouped(calls)} calls, ${span}\n`,
    `  refused in the log           ${grouped(refusedThen).padStart(12)}  ${share(refusedThen, calls)}\n`,
    `  refused by ${config.padEnd(18)}${grouped(refused).padStart(12)}  ${share(refused, calls)}\n`,
    '\n',
    refusals(report, rowsMax),
    shadows(report, rowsMax),
    list(report.notes),
    list(report.problems),
  ];
  return parts.join('');
}

function refusals({ limited }: SimulationReport, rowsMax: number): string {
  const rows = limited.filter((row) => row.refused + row.refusedThen > 0);
  if (rows.length === 0) return 'Nobody would be limited.\n';
  const cells = rows.slice(0, rowsMax).map((row) => {
    const by = row.rules.filter(({ outcome }) => outcome !== 'shadow');
    return [
      row.unknownKey ? `${row.caller} (not in the config)` : row.caller,
      row.method,
      ...[row.calls, row.refusedThen, row.refused].map(grouped),
      share(row.refused, row.calls),
      row.refused === 0 ? '' : grouped(row.refusedCost),
      first(row.firstAt),
      by
        .map(({ outcome, rule, calls }) => `${named(outcome, rule)}${by.length > 1 ? ` ${calls}` : ''}`)
        .join(', '),
    ];
  });
  return columns(heads, cells) + more(rows.length, rowsMax);
}

function shadows({ limited }: SimulationReport, rowsMax: number): string {
  const rows = limited.flatMap((row) =>
    row.rules.filter(({ outcome }) => outcome === 'shadow').map((rule) => ({ row, rule })),
  );
  if (rows.length === 0) return '';
  const cells = rows
    .sort((a, b) => b.rule.calls - a.rule.calls)
    .slice(0, rowsMax)
    .map(({ row, rule }) => [
      row.caller,
      row.method,
      grouped(row.calls),
      '',
      grouped(rule.calls),
      share(rule.calls, row.calls),
      grouped(rule.cost),
      first(rule.firstAt),
      rule.rule,
    ]);
  return `\nRules in shadow mode would refuse:\n${columns(heads, cells)}${more(rows.length, rowsMax)}`;
}

function named(
  outcome: SimulationReport['limited'][number]['rules'][number]['outcome'],
  rule: string,
): string {
  if (outcome === 'blocked') return `blocked: ${rule}`;
  return rule;
}

function more(rows: number, shown: number): string {
  return rows > shown ? `… and ${rows - shown} more (--rows, or --json for all)\n` : '';
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

function first(time: string | null): string {
  return time === null ? '' : time.slice(0, 23).replace('T', ' ');
}

/** Two digits of percent, and never 0 for what is not. */
function share(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '';
  const percent = (100 * part) / whole;
  return percent < 0.01 ? '<0.01%' : `${percent >= 10 ? percent.toFixed(1) : percent.toFixed(2)}%`;
}
