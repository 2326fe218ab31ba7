import type { ReadinessCheck } from '../../admin/index.ts';
import type { EventsState } from './events-state.ts';

/** Events wait, and nobody is refused for it: degraded, and somebody should look. No check where no sinks are configured. */
export function eventsCheck({ sinks, waiting, lost, outbox }: EventsState): ReadinessCheck[] {
  const all = Object.entries(sinks);
  if (all.length === 0) return [];
  const troubled = all.filter(
    ([, { breaker, disabled, broken }]) => breaker !== 'closed' || disabled !== null || broken,
  );
  return [
    {
      name: 'events',
      status: troubled.length === 0 && lost === 0 ? 'up' : 'degraded',
      detail: {
        outbox:
          outbox.kind === 'memory' ? 'in memory: what is not delivered is lost with the process' : 'store',
        ...{ waiting, lost },
        sinks: Object.fromEntries(
          all.map(([name, { type, breaker, disabled, problem }]) => [
            name,
            { type, breaker, disabled, problem },
          ]),
        ),
      },
    },
  ];
}
