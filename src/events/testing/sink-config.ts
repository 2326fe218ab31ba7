import { createConfig, type SinkConfigOf, type SinkKind } from '../../config/index.ts';

/** The block of a sink as the config reads it. Throws on what it refuses. */
export function sinkConfig<Kind extends SinkKind>(
  type: Kind,
  fields: Record<string, unknown>,
): SinkConfigOf<Kind> {
  const result = createConfig(
    {
      upstreams: [{ url: 'http://127.0.0.1:8545' }],
      events: { sinks: [{ name: 'tested', type, ...fields }] },
    },
    { name: 'test.yaml', directory: '/' },
  );
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return result.config.events.sinks[0] as SinkConfigOf<Kind>;
}
