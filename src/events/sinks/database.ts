import type { SinkConfigOf } from '../../config/index.ts';
import type { Sink } from '../sink.ts';
import type { RecordBilling } from '../outbox.ts';

/** A row of `billing_events` for each event; one that is there already is not written again. */
export function createDatabaseSink(
  _config: SinkConfigOf<'database'>,
  { recordBilling }: { recordBilling: RecordBilling },
): Sink {
  return {
    batchMax: 200,
    async deliver(deliveries) {
      await recordBilling(deliveries.map(({ event }) => event.id));
      return deliveries.map(() => ({ kind: 'delivered' as const }));
    },
    close: () => Promise.resolve(),
  };
}
