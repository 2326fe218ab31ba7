import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSharedTexts, readSharedText } from './shared-texts.ts';

it('gives every text back by its number, however many came after it', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 50 }), (texts) => {
      const shared = createSharedTexts();
      const numbers = texts.map(shared.put);
      expect(numbers.map((number) => readSharedText(shared.memory, number))).toEqual(texts);
      expect(numbers).not.toContain(0);
    }),
  );
});

it('grows as far as it may, and refuses what has no room without harm to the rest', () => {
  const shared = createSharedTexts(2 ** 20);
  const text = 'x'.repeat(1000);
  const numbers: number[] = [];
  expect(() => {
    for (;;) numbers.push(shared.put(text));
  }).toThrow(RangeError);
  expect(numbers.length).toBe(Math.floor((2 ** 20 - 8) / 1008));
  expect(shared.memory.byteLength).toBe(2 ** 20);
  expect(readSharedText(shared.memory, shared.put('small'))).toBe('small');
  expect(readSharedText(shared.memory, numbers.at(-1)!)).toBe(text);
});

const readerThread = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.module).then(({ readSharedText }) => {
  parentPort.on('message', (number) => parentPort.postMessage(readSharedText(workerData.memory, number)));
  parentPort.postMessage('ready');
});`;

it('shows another thread what was added after that had the memory, grown or not', async () => {
  const shared = createSharedTexts();
  const module = new URL('./shared-texts.ts', import.meta.url).href;
  const reader = new Worker(readerThread, { eval: true, workerData: { module, memory: shared.memory } });
  await once(reader, 'message');
  for (const text of ['a', 'ü'.repeat(100_000), 'last']) {
    const answer = once(reader, 'message');
    reader.postMessage(shared.put(text));
    expect(await answer).toEqual([text]);
  }
  await reader.terminate();
});
