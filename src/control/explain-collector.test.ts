import { expect, test } from 'vitest';
import { createExplainCollector } from './explain-collector.ts';

function build(workers: number[], boundMs = 30) {
  const sent: { ask: number; requestId: string }[] = [];
  const collector = createExplainCollector<string>({
    workers: () => workers,
    send: (message) => sent.push(message),
    boundMs,
  });
  return { collector, sent };
}

test('answers of all workers come together, at once when the last is in', async () => {
  const { collector, sent } = build([0, 2], 60_000);
  const asked = collector.ask('id');
  const ask = sent[0]?.ask ?? 0;
  collector.answered(0, ask, []);
  collector.answered(0, ask, ['twice']);
  collector.answered(1, ask, ['of a worker that was not asked']);
  collector.answered(2, ask + 1, ['of another question']);
  collector.answered(2, ask, ['a', 'b']);
  expect(await asked).toEqual({ records: ['a', 'b'], asked: 2, answered: 2 });
});

test('a worker that stays silent costs the bound, not the answer', async () => {
  const { collector, sent } = build([0, 1]);
  const asked = collector.ask('id');
  collector.answered(1, sent[0]?.ask ?? 0, ['found']);
  expect(await asked).toEqual({ records: ['found'], asked: 2, answered: 1 });
  collector.answered(0, sent[0]?.ask ?? 0, ['late']);
});

test('without workers there is nobody to ask', async () => {
  expect(await build([]).collector.ask('id')).toEqual({ records: [], asked: 0, answered: 0 });
});
