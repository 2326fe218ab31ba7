import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { SinkConfigOf } from '../../config/index.ts';
import type { Delivery, DeliveryResult, Sink, SinkDeps } from '../sink.ts';
import { problemText } from './http-answer.ts';

/** What an own sink is made with: `http` refuses private addresses, `write` is a line of the log’s output. */
export interface OwnSinkDeps extends SinkDeps {
  settings: unknown;
}

/** What an own sink’s module exports as `createSink`. What it throws, or rejects with, counts as a retry. */
export type CreateOwnSink = (deps: OwnSinkDeps) => OwnSink | Promise<OwnSink>;

export interface OwnSink {
  /** Deliveries in one call, 1 to 1000; default 1. */
  batchMax?: number;
  deliver(deliveries: readonly Delivery[], signal: AbortSignal): Promise<DeliveryResult[]> | DeliveryResult[];
  close?(): Promise<void> | void;
}

const result = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('delivered') }),
  z.object({
    kind: z.literal('retry'),
    problem: z.string().default('no reason given'),
    retryAfterMs: z.number().min(0).nullable().default(null),
  }),
  z.object({ kind: z.literal('rejected'), problem: z.string().default('no reason given') }),
  z.object({ kind: z.literal('gone'), problem: z.string().default('no reason given') }),
]);

/**
 * A sink of the operator’s own. It runs in the main thread with all rights of the process. Rejects, saying why, where the module cannot
 * be loaded; a file that has changed is loaded anew for the next sink that is made of it.
 */
export async function createModuleSink(
  { path, settings }: SinkConfigOf<'module'>,
  { http, write, epochMs, random }: SinkDeps,
): Promise<Sink> {
  const own = await loadOwnSink(path, { http, write, epochMs, random, settings }).catch((error: unknown) => {
    throw new Error(`${path}: ${problemText(error)}`, { cause: error });
  });
  return {
    batchMax: Math.min(Math.max(1, Math.trunc(own.batchMax ?? 1) || 1), BATCH_MAX),
    deliver: (deliveries, signal) => deliverTo(own, deliveries, signal),
    close: async () => own.close?.(),
  };
}

const BATCH_MAX = 1000;

async function loadOwnSink(path: string, deps: OwnSinkDeps): Promise<OwnSink> {
  const url = pathToFileURL(path);
  const { mtimeMs } = await stat(path);
  // Modules are kept by their address: another one loads what has changed.
  url.searchParams.set('changed', String(mtimeMs));
  const { createSink } = (await import(url.href)) as { createSink?: unknown };
  if (typeof createSink !== 'function') throw new Error('it exports no function createSink');
  const own = (await (createSink as CreateOwnSink)(deps)) as Partial<OwnSink> | null | undefined;
  if (typeof own?.deliver !== 'function') throw new Error('what it makes has no function deliver');
  return own as OwnSink;
}

async function deliverTo(
  own: OwnSink,
  deliveries: readonly Delivery[],
  signal: AbortSignal,
): Promise<DeliveryResult[]> {
  let results: unknown;
  try {
    results = await own.deliver(deliveries, signal);
  } catch (error) {
    return deliveries.map(() => retry(problemText(error)));
  }
  if (!Array.isArray(results) || results.length !== deliveries.length)
    return deliveries.map(() => retry('deliver gave not one result for each delivery'));
  return results.map((one: unknown) => {
    const read = result.safeParse(one);
    return read.success ? read.data : retry('deliver gave a result of no known kind');
  });
}

function retry(problem: string): DeliveryResult {
  return { kind: 'retry', problem, retryAfterMs: null };
}
