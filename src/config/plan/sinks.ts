import type { SinkConfig } from '../schema/sinks/index.ts';
import { some } from './words.ts';

/** By name, and without their values: secrets are among them. */
export function planSinks(
  from: readonly SinkConfig[],
  to: readonly SinkConfig[],
  say: (sentence: string) => void,
): void {
  const [before, after] = [from, to].map((sinks) => new Map(sinks.map((sink) => [sink.name, sink])));
  for (const [name, sink] of after!) {
    const old = before!.get(name);
    if (old === undefined) say(`events.sinks gains ${name} (${sink.type}).`);
    else if (JSON.stringify(old) !== JSON.stringify(sink)) {
      const changed = [...new Set([...Object.keys(old), ...Object.keys(sink)])].filter(
        (field) => JSON.stringify(fieldOf(old, field)) !== JSON.stringify(fieldOf(sink, field)),
      );
      say(`events.sinks: ${name} changes ${some(changed)}.`);
    }
  }
  for (const name of before!.keys())
    if (!after!.has(name))
      say(`events.sinks loses ${name}: what it has not been sent yet is kept as dead letters.`);
}

function fieldOf(sink: SinkConfig, field: string): unknown {
  return (sink as Record<string, unknown>)[field];
}
