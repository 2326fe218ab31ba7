import { expect, test } from 'vitest';
import { openLog } from './logs.ts';
import { createCallTimes, createWorkerLog } from './worker-log.ts';

test('times of calls keep their distances to the microsecond, and follow a wall clock that was set', () => {
  let wall = 1_700_000_000_000;
  const timeOf = createCallTimes(
    () => 5_000_400,
    () => wall,
  );
  expect(timeOf(5_000_001)).toBe(1_700_000_000_000_001);
  wall += 900;
  expect(timeOf(5_000_002)).toBe(1_700_000_000_000_002);
  wall += 7_200_000;
  expect(timeOf(5_000_003)).toBe(1_700_007_200_900_003);
});

test('a line says when its call was whole, and one of an unknown level is not lost', () => {
  const lines: Record<string, unknown>[] = [];
  const output = { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) };
  const { logger } = openLog({ level: 'debug', format: 'json', colour: false, output });
  const write = createWorkerLog(logger, (micros) => micros + 1_700_000_000_000_000);
  write(3, [
    { level: 'info', kind: 'access', msg: 'call', fields: { method: 'm' }, atMicros: 5 },
    { level: 'odd' as 'info', kind: 'worker', msg: 'said', fields: {} },
  ]);
  expect(lines).toMatchObject([
    { level: 'info', kind: 'access', worker: 3, at: '2023-11-14T22:13:20.000005Z', method: 'm', msg: 'call' },
    { level: 'warn', kind: 'worker', worker: 3, msg: 'said' },
  ]);
  expect(lines[1]).not.toHaveProperty('at');
});
