import { nearestName } from './nearest.ts';
import { formatDuration, parseDuration, unitHint } from './quantity.ts';

/** What an alert can be about, and how its threshold is written; docs/alerts.md says what each is. */
export const alertMetrics = {
  refused_ratio: 'share',
  error_ratio: 'share',
  latency_p50: 'duration',
  latency_p99: 'duration',
  calls_per_second: 'number',
  quota_used: 'share',
  spend_forecast: 'number',
  upstreams_down: 'number',
  journal_lag: 'duration',
} as const satisfies Record<string, 'share' | 'duration' | 'number'>;

export type AlertMetric = keyof typeof alertMetrics;
export const alertMetricNames = Object.keys(alertMetrics) as AlertMetric[];

export const alertComparisons = ['>', '>=', '<', '<='] as const;
export type AlertComparison = (typeof alertComparisons)[number];

/** What an alert waits for. */
export interface AlertCondition {
  metric: AlertMetric;
  comparison: AlertComparison;
  /** Shares 0 to 1, times in seconds, numbers as they are. */
  threshold: number;
  /** How long it must hold without a break; 0: once. */
  forMs: number;
  /** As the file has it, with single spaces. */
  text: string;
}

/** What is wrong with a condition, and what to do. */
export interface AlertConditionFault {
  message: string;
  suggestion: string;
}

const FOR_MAX_MS = 24 * 3_600_000;
const form =
  /^(?<metric>[A-Za-z_][\w.-]*)\s*(?<comparison>[<>=!]+)\s*(?<threshold>[^\s]+)(?:\s+(?<rest>.*))?$/;
const shape = 'write METRIC > THRESHOLD for DURATION, such as refused_ratio > 0.2 for 5m';

/** Reads `refused_ratio > 0.2 for 5m`; `for …` may be left out. */
export function parseAlertWhen(written: string): AlertCondition | AlertConditionFault {
  const text = written.trim().replace(/\s+/g, ' ');
  const parts = form.exec(text)?.groups;
  if (parts === undefined) return incomplete(text);
  const { metric = '', comparison = '', threshold = '', rest } = parts;
  if (!isMetric(metric)) return unknownMetric(metric);
  if (!isComparison(comparison))
    return {
      message: `found ${JSON.stringify(comparison)}, expected >, >=, < or <=`,
      suggestion: comparison.includes('=') ? 'values are seldom equal: write >= or <=' : shape,
    };
  const value = parseThreshold(metric, threshold);
  if (typeof value !== 'number') return value;
  const forMs = rest === undefined ? 0 : parseFor(rest);
  if (typeof forMs !== 'number') return forMs;
  return { metric, comparison, threshold: value, forMs, text };
}

function isMetric(name: string): name is AlertMetric {
  return Object.hasOwn(alertMetrics, name);
}

function isComparison(text: string): text is AlertComparison {
  return (alertComparisons as readonly string[]).includes(text);
}

function unknownMetric(name: string): AlertConditionFault {
  const near = nearestName(name, alertMetricNames);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  return {
    message: `unknown metric ${JSON.stringify(name)}`,
    suggestion: `${meant}known: ${alertMetricNames.join(', ')}`,
  };
}

function incomplete(text: string): AlertConditionFault {
  const name = /^[A-Za-z_][\w.-]*/.exec(text)?.[0];
  if (name !== undefined && !isMetric(name)) return unknownMetric(name);
  return { message: `found ${JSON.stringify(text.slice(0, 60))}, which is no condition`, suggestion: shape };
}

function parseThreshold(metric: AlertMetric, text: string): number | AlertConditionFault {
  const unit = alertMetrics[metric];
  const found = `found ${JSON.stringify(text)} as the threshold of ${metric}`;
  if (unit === 'duration') {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms / 1000;
    return {
      message: `${found}, expected a duration`,
      suggestion: unitHint(text, 'duration') ?? 'such as 250ms or 2s',
    };
  }
  const percent = text.endsWith('%');
  const digits = percent ? text.slice(0, -1) : text;
  const number = /^\d{1,15}(\.\d{1,9})?$/.test(digits) ? Number(digits) / (percent ? 100 : 1) : Number.NaN;
  if (unit === 'number') {
    if (!percent && !Number.isNaN(number)) return number;
    return { message: `${found}, expected a number`, suggestion: 'such as 1 or 250.5' };
  }
  if (number >= 0 && number <= 1) return number;
  return {
    message: `${found}, expected a share from 0 to 1, or 0% to 100%`,
    suggestion: number > 1 && !percent && number <= 100 ? `did you mean ${digits}%?` : 'such as 0.2 or 20%',
  };
}

function parseFor(rest: string): number | AlertConditionFault {
  const written = /^for (\S+)$/.exec(rest)?.[1];
  if (written === undefined)
    return {
      message: `found ${JSON.stringify(rest.slice(0, 60))} behind the threshold, expected for and a duration`,
      suggestion: /^(and|or)\b/i.test(rest) ? 'one condition an alert: write two alerts' : shape,
    };
  const ms = parseDuration(written);
  if (ms !== undefined && ms <= FOR_MAX_MS) return ms;
  return {
    message: `found ${JSON.stringify(written)} behind for, expected a duration up to ${formatDuration(FOR_MAX_MS)}`,
    suggestion: unitHint(written, 'duration') ?? 'such as 30s or 5m',
  };
}
