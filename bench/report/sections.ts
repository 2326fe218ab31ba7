import { describeTarget, type Figure, format, verdict } from '../figures.ts';
import type { CostRow } from '../scenarios/cost.ts';
import type { Latency } from '../scenarios/latency.ts';

type Table = [head: string[], rows: string[][]];

export function figuresTable(figures: readonly Figure[]): Table {
  const rows = figures.map((figure) => [
    figure.name,
    format(figure.value, figure.unit),
    figure.unit,
    describeTarget(figure),
    verdict(figure),
    figure.aim === undefined ? '' : format(figure.aim, figure.unit),
    figure.note ?? '',
  ]);
  return [['figure', 'value', 'unit', 'target', '', 'aim', 'note'], rows];
}

export function costTable(rows: readonly CostRow[]): Table {
  const cells = rows.map((row) => [
    row.name,
    row.microsPerRequest.toFixed(1),
    row.ratio.toFixed(2),
    `${row.ratioFrom.toFixed(2)}–${row.ratioTo.toFixed(2)}`,
    Math.round(row.requestsPerSecond).toLocaleString('en-US'),
    `${Math.round(row.busy * 100)} %`,
  ]);
  return [['', 'CPU µs/request', '× nginx', 'of the rounds', 'requests/s', 'core busy'], cells];
}

export function latencyTable({ rows }: Latency): Table {
  const micros = (value: number) => Math.round(value).toLocaleString('en-US');
  const cells = rows.map((row) => [
    `${row.name}, ${row.generator}`,
    micros(row.p50),
    micros(row.p99),
    row.name === 'direct' ? '' : micros(row.addedP50),
    row.name === 'direct' ? '' : micros(row.addedP99),
  ]);
  return [['', 'p50 µs', 'p99 µs', 'added p50', 'added p99'], cells];
}
