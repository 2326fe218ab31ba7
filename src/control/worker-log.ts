import type { LogLine } from '../gateway/index.ts';
import type { Logger } from './logs.ts';

/** A wall clock that stood further off than this was set: times go by the new one from then on. */
const STEP_MS = 1000;

/**
 * The wall clock's time of a monotonic one, in whole microseconds. Both run alike between two settings of the wall clock,
 * so that the order and the distances of calls are those by which their limits were decided. What is added is whole
 * milliseconds: a bucket's ticks begin at the same times by either.
 */
export function createCallTimes(nowMicros: () => number, epochMs: () => number): (micros: number) => number {
  let aheadMs: number | undefined;
  return (micros) => {
    const ahead = Math.round(epochMs() - nowMicros() / 1000);
    if (aheadMs === undefined || Math.abs(ahead - aheadMs) > STEP_MS) aheadMs = ahead;
    return micros + aheadMs * 1000;
  };
}

/** Writes the lines that workers send. A line of an unknown level is written as a warning rather than lost. */
export function createWorkerLog(
  logger: Logger,
  timeOf: (micros: number) => number,
): (slot: number, lines: readonly LogLine[]) => void {
  return (slot, lines) => {
    for (const { level, kind, msg, fields, atMicros } of lines) {
      const write = (['debug', 'info', 'warn', 'error'] as const).find((name) => name === level) ?? 'warn';
      const at = atMicros === undefined ? {} : { at: microsText(timeOf(atMicros)) };
      logger[write]({ kind, worker: slot, ...at, ...fields }, msg);
    }
  };
}

/** `2026-11-28T23:01:53.123456Z`. */
function microsText(epochMicros: number): string {
  const millis = Math.floor(epochMicros / 1000);
  const rest = String(epochMicros - millis * 1000).padStart(3, '0');
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`;
}
