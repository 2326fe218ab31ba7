import type { LogLine } from '../gateway/index.ts';
import type { Logger } from './logs.ts';

/** Writes the lines that workers send. A line of an unknown level is written as a warning rather than lost. */
export function createWorkerLog(logger: Logger): (slot: number, lines: readonly LogLine[]) => void {
  return (slot, lines) => {
    for (const { level, kind, msg, fields } of lines) {
      const write = (['debug', 'info', 'warn', 'error'] as const).find((name) => name === level) ?? 'warn';
      logger[write]({ kind, worker: slot, ...fields }, msg);
    }
  };
}
