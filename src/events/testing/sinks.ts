import { formatProblem, parseConfig, type SinkConfig } from '../../config/index.ts';
import type { Delivery, DeliveryResult, Sink } from '../sink.ts';

/** The config of a sink as the file makes it; `values` go over it. */
export function sinkConfig(name: string, values: Partial<SinkConfig> = {}): SinkConfig {
  const text = JSON.stringify({
    upstreams: [{ url: 'http://127.0.0.1:1' }],
    events: { sinks: [{ type: 'stdout', name }] },
  });
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return { ...result.config.events.sinks[0]!, ...values } as SinkConfig;
}

/** A sink that does what it is told, and remembers what it was given. */
export interface ScriptedSink extends Sink {
  readonly attempts: Delivery[];
  /** Attempts under way now, and at most so far. */
  inFlight: number;
  inFlightMax: number;
  closed: boolean;
  answer: (delivery: Delivery) => DeliveryResult | Promise<DeliveryResult>;
}

export function scriptedSink(
  answer: ScriptedSink['answer'] = () => ({ kind: 'delivered' }),
  batchMax = 1,
): ScriptedSink {
  const sink: ScriptedSink = {
    ...{ batchMax, answer, attempts: [], inFlight: 0, inFlightMax: 0, closed: false },
    async deliver(deliveries) {
      sink.attempts.push(...deliveries);
      sink.inFlight += 1;
      sink.inFlightMax = Math.max(sink.inFlightMax, sink.inFlight);
      try {
        return await Promise.all(deliveries.map(async (delivery) => sink.answer(delivery)));
      } finally {
        sink.inFlight -= 1;
      }
    },
    async close() {
      sink.closed = true;
    },
  };
  return sink;
}
