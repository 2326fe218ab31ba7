import { randomBytes } from 'node:crypto';
import {
  type EventTypeName,
  eventTypes,
  formatDuration,
  nearestName,
  type SinkConfig,
} from '../../config/index.ts';
import {
  createEnvelopes,
  createResolve,
  createSink,
  createSinkHttp,
  type DeliveryResult,
  numbered,
  sampleDrafts,
  systemNames,
  within,
} from '../../events/index.ts';
import { CommandFailure, exitCodes } from '../command.ts';
import { loadForCommand } from '../config-file.ts';
import type { CommandIo } from '../io.ts';
import { usualFile } from '../usual-file.ts';

export interface TestOptions {
  config?: string;
  type?: string;
  json?: boolean;
}

/** Beyond a sink’s own timeout. */
const LATE_MS = 1000;

/** Sends one sample event as the gateway would, once, and says what came of it: exit 0 where it was delivered. */
export async function testSink(
  name: string,
  { config: file = usualFile, type = 'quota.warning', json = false }: TestOptions,
  io: CommandIo,
): Promise<void> {
  const config = loadForCommand(file, io, { warnings: false });
  if (config === undefined) return io.setExitCode(exitCodes.usage);
  const sink = config.events.sinks.find((one) => one.name === name);
  if (sink === undefined) throw noSink(name, config.events.sinks);
  if (sink.type === 'database')
    throw new CommandFailure(
      'A sink of type database writes to the store of a running gateway: see polymorph events list, and billing_events there.',
      exitCodes.usage,
    );
  if (!isType(type)) throw noType(type);
  const result = await deliver(sink, type, config.events.source, io);
  const delivered = result.kind === 'delivered';
  if (json) io.stdout(`${JSON.stringify({ sink: name, type, ...result }, null, 2)}\n`);
  else if (delivered) io.stdout(`${name} has taken a sample of ${type}.\n`);
  else io.stderr(`${name} has not taken a sample of ${type}: ${result.problem}\n`);
  if (!delivered) io.setExitCode(exitCodes.failure);
}

async function deliver(
  config: SinkConfig,
  type: EventTypeName,
  source: string,
  io: CommandIo,
): Promise<DeliveryResult> {
  const sinkHttp = createSinkHttp({ resolve: createResolve(systemNames) });
  try {
    const sink = await createSink(config, {
      http: sinkHttp.http,
      write: (line) => io.stdout(`${line}\n`),
      epochMs: Date.now,
      random: Math.random,
      recordBilling: () => Promise.reject(new Error('there is no store here')),
    });
    const envelope = createEnvelopes({ source: () => source, random: randomBytes });
    const event = numbered(envelope({ ...sampleDrafts[type], atMs: Date.now() }), 0);
    const delivery = { event, body: JSON.stringify(event), attempt: 1, atMs: Date.now() };
    try {
      const boundMs = config.timeout + LATE_MS;
      // A module may not listen to the signal.
      const results = await within(boundMs + LATE_MS, sink.deliver([delivery], AbortSignal.timeout(boundMs)));
      if (results === null) return failed(`it did not end within ${formatDuration(boundMs)}`);
      return results[0] ?? failed('it did not say what became of it');
    } finally {
      await within(LATE_MS, sink.close());
    }
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    sinkHttp.close();
  }
}

function failed(problem: string): DeliveryResult {
  return { kind: 'rejected', problem };
}

function isType(type: string): type is EventTypeName {
  return (eventTypes as readonly string[]).includes(type);
}

function noType(type: string): CommandFailure {
  const near = nearestName(type, eventTypes);
  const hint = near === undefined ? eventTypes.join(', ') : `did you mean ${near}?`;
  return new CommandFailure(`There is no type of event ${type} (${hint}).`, exitCodes.usage);
}

function noSink(name: string, sinks: readonly SinkConfig[]): CommandFailure {
  const names = sinks.map((sink) => sink.name);
  const near = nearestName(name, names);
  const known = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  const hint = near === undefined ? known : `did you mean ${near}?`;
  return new CommandFailure(`The config has no sink ${name} (${hint}).`, exitCodes.usage);
}
