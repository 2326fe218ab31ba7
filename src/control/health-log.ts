import type { HealthEvent } from '../upstream/index.ts';
import type { Logger } from './logs.ts';

/** Writes what the health monitor has to tell as log lines of `kind: upstream`. */
export function createHealthLog(logger: Logger): (event: HealthEvent) => void {
  return ({ type, ...event }) => {
    const facts = { kind: 'upstream', event: type, ...event };
    const { network, upstream } = event;
    const name = `upstream ${network}/${upstream}`;
    if ('reason' in event) {
      logger.warn(facts, `${name} is down: ${event.reason} (${event.detail})`);
    } else if ('downMs' in event) {
      if (event.downMs === null) logger.debug(facts, `${name} is up`);
      else logger.info(facts, `${name} is up again after ${seconds(event.downMs)}`);
    } else if ('from' in event) {
      logger.info(
        facts,
        `network ${network}: blocks from ${event.from} on were replaced, the head is ${event.head}`,
      );
    } else if ('why' in event) {
      logger.warn(facts, `${name} says its head is ${event.head}, which is not followed: ${event.why}`);
    } else {
      const level = event.state === 'open' ? 'warn' : 'info';
      logger[level](facts, `${name}: its circuit breaker is ${event.state}`);
    }
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
