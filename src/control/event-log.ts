import type { Events } from '../events/index.ts';
import type { Logger } from './logs.ts';

const levels = { info: 'info', warning: 'warn', error: 'error', critical: 'error' } as const;

/** Events as lines of the log. */
export function createEventLog(logger: Logger): Events {
  return {
    emit({ type, subject, severity, data }) {
      logger[levels[severity]]({ kind: 'event', event: type, subject, ...data }, `${type} ${subject}`);
    },
  };
}
