import { families, type FamilyDefinition } from './families.ts';
import { LATENCY_BUCKETS, latencyBucketEnd } from './octaves.ts';

/** The text formats: Prometheus 0.0.4, and OpenMetrics 1.0. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Record<MetricsFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * The format that an `Accept` header asks for: OpenMetrics where it names version 1.0.0 or no version of it and prefers nothing else,
 * as Prometheus does; else the plain text.
 */
export function metricsFormatOf(accept: string | undefined): MetricsFormat {
  let best: MetricsFormat = 'prometheus';
  let bestQuality = 0;
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const value = (name: string) =>
      parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
    const quality = Number(value('q') ?? 1);
    const open = type === 'application/openmetrics-text' && ['1.0.0', undefined].includes(value('version'));
    const plain = type === 'text/plain' || type === 'text/*' || type === '*/*';
    if ((!open && !plain) || !(quality > bestQuality)) continue;
    best = open ? 'openmetrics' : 'prometheus';
    bestQuality = quality;
  }
  return best;
}

/** Buckets published: below 256 µs and above 16.8 s there is nothing that anybody tells apart. */
const firstPublished = 2;
const lastPublished = 18;
const borders = Array.from(
  { length: lastPublished - firstPublished + 1 },
  (_, at) => `le="${latencyBucketEnd(firstPublished + at) / 1e6}"} `,
);

/** Values of a family's labels, in its order, as they stand in a line: `network="a",method="b"`. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, at) => `${name}="${escaped(values[at] ?? '')}"`).join(',');
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

/** A page being written, in any order. */
export interface MetricsPage {
  /** One value. `labels` as {@link labelText} gives them. */
  add(family: string, labels: string, value: number): void;
  /** A histogram by powers of two of microseconds. */
  addHistogram(family: string, labels: string, counts: ArrayLike<number>, sumMicros: number): void;
  /** The page, with the families that have a value. */
  text(): string;
}

/** Throws TypeError on a family that is not defined: a typing mistake. */
export function createMetricsPage(format: MetricsFormat): MetricsPage {
  const bodies = new Map<string, string>();

  function bodyOf(family: string): string {
    const body = bodies.get(family);
    if (body !== undefined) return body;
    if (!Object.hasOwn(families, family)) throw new TypeError(`no family is named ${family}`);
    return '';
  }

  return {
    add(family, labels, value) {
      const line = labels === '' ? `${family} ${value}\n` : `${family}{${labels}} ${value}\n`;
      bodies.set(family, bodyOf(family) + line);
    },
    addHistogram(family, labels, counts, sumMicros) {
      const open = `${family}_bucket{${labels}${labels === '' ? '' : ','}`;
      let text = bodyOf(family);
      let below = 0;
      for (let bucket = 0; bucket < firstPublished; bucket++) below += counts[bucket]!;
      for (let bucket = firstPublished; bucket <= lastPublished; bucket++) {
        below += counts[bucket]!;
        text += `${open + borders[bucket - firstPublished]! + below}\n`;
      }
      for (let bucket = lastPublished + 1; bucket < LATENCY_BUCKETS; bucket++) below += counts[bucket]!;
      const tail = labels === '' ? '' : `{${labels}}`;
      text += `${open}le="+Inf"} ${below}\n`;
      text += `${family}_sum${tail} ${sumMicros / 1e6}\n${family}_count${tail} ${below}\n`;
      bodies.set(family, text);
    },
    text() {
      let text = '';
      for (const [name, definition] of Object.entries(families)) {
        const body = bodies.get(name);
        if (body !== undefined) text += headOf(name, definition, format) + body;
      }
      return format === 'openmetrics' ? `${text}# EOF\n` : text;
    },
  };
}

function headOf(name: string, { type, help }: FamilyDefinition, format: MetricsFormat): string {
  // OpenMetrics names a counter's family without what its samples end in.
  const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const unit = /_(?<unit>seconds|bytes)$/.exec(family)?.groups?.['unit'];
  const unitLine = format === 'openmetrics' && unit !== undefined ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${text}\n# TYPE ${family} ${type}\n${unitLine}`;
}
