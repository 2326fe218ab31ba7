import { describeTarget, type Figure, format, verdict } from '../figures.ts';
import type { CostRow } from '../scenarios/cost.ts';
import type { Latency } from '../scenarios/latency.ts';
import type { Upstreams } from '../scenarios/upstreams.ts';

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

export function killTable({ kills }: Upstreams): Table {
  const cells = kills.map((kill, n) => [
    String(n + 1),
    (kill.p99Before / 1000).toFixed(2),
    (kill.worstWindow / 1000).toFixed(2),
    (kill.longest / 1000).toFixed(1),
    Number.isNaN(kill.backAfterMs) ? 'not' : String(kill.backAfterMs),
    String(kill.failed),
  ]);
  const head = ['round', 'p99 before, ms', 'worst p99 after', 'longest after', 'back after, ms', 'failed'];
  return [head, cells];
}
