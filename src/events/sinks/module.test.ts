import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sink } from '../sink.ts';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { sinkDeps } from '../testing/sink-deps.ts';
import { createModuleSink } from './module.ts';

describe('module', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polymorph-module-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const create = (path: string, settings: object = {}) =>
    createModuleSink(sinkConfig('module', { path, settings }), sinkDeps());
  const deliver = (sink: Sink, count = 2) =>
    sink.deliver(
      Array.from({ length: count }, () => deliveryOf(exampleEvent('ip.banned'))),
      AbortSignal.timeout(5000),
    );
  async function moduleOf(source: string, name = 'sink'): Promise<string> {
    const path = join(folder, `${name}.mjs`);
    await writeFile(path, source);
    return path;
  }
  const retry = (problem: string) => ({ kind: 'retry', problem, retryAfterMs: null });

  it('the example writes lines to a file', async () => {
    const file = join(folder, 'events.jsonl');
    const example = join(import.meta.dirname, '../../../examples/own-sink/append-to-file.js');
    const sink = await create(example, { file });
    expect(sink.batchMax).toBe(100);
    expect(await deliver(sink)).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }]);
    await sink.close();
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      exampleEvent('ip.banned'),
      exampleEvent('ip.banned'),
    ]);
    await expect(create(example)).rejects.toThrow(/append-to-file\.js: settings\.file is missing/);
  });

  it.each([
    ['there is none', null, /ENOENT/],
    ['it cannot be read', 'export const createSink = (', /sink-broken\.mjs: /],
    ['it has no such export', 'export const x = 1;', /it exports no function createSink/],
    ['it makes no sink', 'export const createSink = () => ({});', /what it makes has no function deliver/],
    ['it throws', 'export const createSink = () => { throw new Error("no"); };', /sink-broken\.mjs: no$/],
  ])('%s: refused, saying why', async (name, source, expected) => {
    const path =
      source === null ? join(folder, 'none.mjs') : await moduleOf(source, `${name.length}-sink-broken`);
    await expect(create(path)).rejects.toThrow(expected);
  });

  it.each([
    ['throws', 'throw new Error("down")', retry('down')],
    [
      'gives too few results',
      'return [{ kind: "delivered" }]',
      retry('deliver gave not one result for each delivery'),
    ],
    ['gives nothing', 'return', retry('deliver gave not one result for each delivery')],
    [
      'gives what is no result',
      'return [{ kind: "fine" }, {}]',
      retry('deliver gave a result of no known kind'),
    ],
    ['says too little', 'return [{ kind: "retry" }, { kind: "retry" }]', retry('no reason given')],
    [
      'says when',
      'return Array(2).fill({ kind: "retry", problem: "full", retryAfterMs: 5 })',
      { kind: 'retry', problem: 'full', retryAfterMs: 5 },
    ],
  ])('one that %s', async (name, body, expected) => {
    const path = await moduleOf(
      `export const createSink = () => ({ async deliver() { ${body}; } });`,
      name.replaceAll(' ', '-'),
    );
    const sink = await create(path);
    expect(sink.batchMax).toBe(1);
    expect(await deliver(sink)).toEqual([expected, expected]);
    await sink.close();
  });

  it('a file that has changed is loaded anew', async () => {
    const source = (word: string) =>
      `export const createSink = () => ({ deliver: (all) => all.map(() => ({ kind: 'rejected', problem: '${word}' })) });`;
    const path = await moduleOf(source('first'), 'changing');
    expect(await deliver(await create(path), 1)).toEqual([{ kind: 'rejected', problem: 'first' }]);
    await moduleOf(source('second'), 'changing');
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    expect(await deliver(await create(path), 1)).toEqual([{ kind: 'rejected', problem: 'second' }]);
  });
});
