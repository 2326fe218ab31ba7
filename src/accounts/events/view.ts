import { type EventRow, numbered, type UnnumberedEvent } from '../../events/index.ts';
import { isoTimeOrNull } from '../input/time.ts';

/** An event as operations give it: as sinks get it, and where it went. */
export function eventView({ number, event, keyId, deliveries }: EventRow) {
  return {
    event: numbered(JSON.parse(event) as UnnumberedEvent, number),
    keyId,
    deliveries: deliveries.map(({ sink, state, attempts, dueAtMs, problem, doneAtMs }) => ({
      ...{ sink, state, attempts, problem },
      dueAt: isoTimeOrNull(dueAtMs),
      doneAt: isoTimeOrNull(doneAtMs),
    })),
  };
}
