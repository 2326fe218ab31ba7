import { expect, test } from 'vitest';
import { clearColumns, createRowReader, createRowsMemory, createRowWriter, type RowsShape } from './rows.ts';

const shape: RowsShape = { rowsMax: 4, nameBytes: 16, columns: 3, latest: 2 };

function add(memory: SharedArrayBuffer, name: string, ...numbers: number[]): void {
  const writer = createRowWriter(memory, shape);
  const row = writer.rowOf(name);
  for (const [column, number] of numbers.entries()) writer.numbers[row + column]! += number;
}

function all(memories: SharedArrayBuffer[]): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  createRowReader(memories, shape).each(({ name, numbers }) => (rows[name] = [...numbers]));
  return rows;
}

test('rows of one name are one over all tables; of a last column the greatest counts', () => {
  const memories = [createRowsMemory(shape), createRowsMemory(shape)];
  add(memories[0]!, 'a', 1, 2, 70);
  add(memories[1]!, 'b', 5, 0, 10);
  add(memories[1]!, 'a', 10, 20, 60);
  expect(all(memories)).toEqual({ a: [11, 22, 70], b: [5, 0, 10] });
  const reader = createRowReader(memories, shape);
  expect([...reader.find('a')!]).toEqual([11, 22, 70]);
  expect(reader.find('c')).toBe(undefined);
  expect(reader.size).toBe(2);
  expect([...reader.total()].slice(0, 2)).toEqual([16, 22]);
});

test('a reader finds names that come later; whoever follows a dead worker counts on in its rows', () => {
  const memory = createRowsMemory(shape);
  const reader = createRowReader([memory], shape);
  expect(reader.size).toBe(0);
  add(memory, 'late', 1);
  add(memory, 'ü', 1);
  // Another writer, as after a death.
  add(memory, 'late', 1);
  expect(reader.size).toBe(2);
  expect([reader.find('late')![0], reader.find('ü')![0]]).toEqual([2, 1]);
});

test('names without room are counted together', () => {
  const memory = createRowsMemory(shape);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'a name that is too long']) add(memory, name, 1);
  expect(all([memory])).toEqual({ '': [3, 0, 0], a: [1, 0, 0], b: [1, 0, 0], c: [1, 0, 0] });
});

test('what there was is nothing once its worker is gone, and totals stay', () => {
  const memory = createRowsMemory(shape);
  add(memory, 'a', 4, 2);
  clearColumns(memory, shape, [1]);
  expect(all([memory])).toEqual({ a: [4, 0, 0] });
});
