import type { SinkConfigOf } from '../../config/index.ts';
import type { Sink, SinkDeps } from '../sink.ts';

/** One line of JSON for each event. */
export function createStdoutSink(_config: SinkConfigOf<'stdout'>, { write }: Pick<SinkDeps, 'write'>): Sink {
  return {
    batchMax: 100,
    deliver(deliveries) {
      for (const { body } of deliveries) write(body);
      return Promise.resolve(deliveries.map(() => ({ kind: 'delivered' as const })));
    },
    close: () => Promise.resolve(),
  };
}
