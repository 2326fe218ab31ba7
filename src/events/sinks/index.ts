import type { SinkConfig, SinkConfigOf, SinkKind } from '../../config/index.ts';
import type { RecordBilling } from '../outbox.ts';
import type { Sink, SinkDeps } from '../sink.ts';
import { createDatabaseSink } from './database.ts';
import { createDiscordSink } from './discord.ts';
import { createEmailSink } from './email.ts';
import { createModuleSink } from './module.ts';
import { createPagerdutySink } from './pagerduty.ts';
import { createSlackSink } from './slack.ts';
import { createStdoutSink } from './stdout.ts';
import { createWebhookSink } from './webhook.ts';

/** What sinks of the house are made with: those of others get {@link SinkDeps} alone. */
export interface AllSinkDeps extends SinkDeps {
  recordBilling: RecordBilling;
}

type Factory<Kind extends SinkKind> = (config: SinkConfigOf<Kind>, deps: AllSinkDeps) => Sink | Promise<Sink>;

/** Kinds of sinks: one line each, and one file in this folder and in config/schema/sinks. */
const factories: { readonly [Kind in SinkKind]: Factory<Kind> } = {
  webhook: createWebhookSink,
  stdout: createStdoutSink,
  database: createDatabaseSink,
  // Its client takes 50 ms and 27 MB to load, and few gateways have one.
  'redis-stream': async (config) => (await import('./redis-stream.ts')).createRedisStreamSink(config),
  slack: createSlackSink,
  discord: createDiscordSink,
  pagerduty: createPagerdutySink,
  email: createEmailSink,
  module: createModuleSink,
};

/** Makes the sink of a config block. Rejects where its kind cannot be set up at all; that it cannot be reached is told by deliveries. */
export async function createSink(config: SinkConfig, deps: AllSinkDeps): Promise<Sink> {
  const create: (config: never, deps: AllSinkDeps) => Sink | Promise<Sink> = factories[config.type];
  return create(config as never, deps);
}
