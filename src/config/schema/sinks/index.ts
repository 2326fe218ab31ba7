import type { z } from 'zod';
import { factsOf } from '../facts.ts';
import { variants } from '../variants.ts';
import { databaseSink } from './database.ts';
import { discordSink } from './discord.ts';
import { emailSink } from './email.ts';
import { moduleSink } from './module.ts';
import { pagerdutySink } from './pagerduty.ts';
import { redisStreamSink } from './redis-stream.ts';
import { slackSink } from './slack.ts';
import { stdoutSink } from './stdout.ts';
import { webhookSink } from './webhook.ts';

/** Sinks by their `type`: a file each. */
const sinkKinds = {
  webhook: webhookSink,
  stdout: stdoutSink,
  database: databaseSink,
  'redis-stream': redisStreamSink,
  slack: slackSink,
  discord: discordSink,
  pagerduty: pagerdutySink,
  email: emailSink,
  module: moduleSink,
};

export const sinkEntry = variants('type', sinkKinds, 'Where events go.');

export type SinkKind = keyof typeof sinkKinds;
export type SinkConfigOf<Kind extends SinkKind> = z.output<(typeof sinkKinds)[Kind]>;
export type SinkConfig = SinkConfigOf<SinkKind>;

/** Names of a kind's fields whose values are shown nowhere, in whole or in part; lists and maps are not looked into. */
export function secretFieldsOf(kind: SinkKind): ReadonlySet<string> {
  const { fields = {} } = factsOf(sinkKinds[kind]);
  return new Set(Object.keys(fields).filter((name) => factsOf(fields[name]!).secret === true));
}
