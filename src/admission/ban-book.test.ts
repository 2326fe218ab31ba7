import { beforeEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../identity/index.ts';
import type { Ban } from './ban.ts';
import { type BanBook, createBanBook } from './ban-book.ts';
import { type BanReader, createBanMemory, openBans, openBanWriter } from './ban-table.ts';

const ban = (prefix: string, values: Partial<Ban> = {}): Ban => ({
  ...{ prefix, reason: '', by: 'ada', beganAt: 0, until: null, times: 1, simulated: false },
  ...values,
});
const address = (text: string) => parseAddress(text)!;

let book: BanBook;
let table: BanReader;
beforeEach(() => {
  const memory = createBanMemory(100, Uint32Array.of(1, 2, 3, 4));
  book = createBanBook(openBanWriter(memory, 100), 100);
  table = openBans(memory);
});

describe('the book of bans', () => {
  it('keeps the table in step', () => {
    book.put(ban('203.0.113.0/24', { until: 5500 }));
    book.put(ban('203.0.113.9'));
    book.put(ban('2001:db8::/64'));
    expect(book.holding(address('203.0.113.9'))?.prefix).toBe('203.0.113.9');
    expect(book.holding(address('203.0.113.8'))?.prefix).toBe('203.0.113.0/24');
    expect(book.holding(address('2001:db8::8'))?.prefix).toBe('2001:db8::/64');
    expect(book.holding(address('203.0.114.8'))).toBeUndefined();
    expect(table.find(address('203.0.113.8'))).toEqual({ bits: 24, untilSeconds: 6 });
    book.remove('203.0.113.0/24', 0, true);
    expect(table.find(address('203.0.113.8'))).toBeUndefined();
    expect(table.find(address('203.0.113.9'))).toEqual({ bits: 32, untilSeconds: 0 });
    expect(() => book.put(ban('nobody'))).toThrow(RangeError);
  });

  it('gives what is due in order, and nothing that was lifted or made longer', () => {
    book.put(ban('10.0.0.1', { until: 300 }));
    book.put(ban('10.0.0.2', { until: 100 }));
    book.put(ban('10.0.0.3', { until: 200 }));
    book.put(ban('10.0.0.4', { until: 150 }));
    book.put(ban('10.0.0.5', { until: 150 }));
    book.put(ban('10.0.0.4', { until: 900, beganAt: 1 }));
    book.remove('10.0.0.5', 50, true);
    const prefixes = (nowMs: number, most: number) => book.due(nowMs, most).map(({ prefix }) => prefix);
    expect(prefixes(99, 10)).toEqual([]);
    expect(prefixes(300, 2)).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(prefixes(300, 2)).toEqual(['10.0.0.1']);
    expect([...book.all()].map(({ prefix }) => prefix)).toEqual(['10.0.0.4']);
  });

  it('stays small where one ban is changed ever again', () => {
    for (let i = 0; i < 100_000; i += 1) book.put(ban('10.0.0.1', { until: 1e9 + i, beganAt: i }));
    expect(book.due(1e9 + 99_998, 10)).toEqual([]);
    expect(book.due(1e9 + 99_999, 10)).toHaveLength(1);
  });

  it('knows how often one was banned, for a while and of as many as may be banned', () => {
    book.put(ban('10.0.0.1', { until: 100, times: 4 }));
    expect(book.times('10.0.0.1', 0)).toBe(4);
    book.due(100, 10);
    expect(book.times('10.0.0.1', 100)).toBe(4);
    expect(book.times('10.0.0.1', 101)).toBe(0);
    for (let i = 0; i <= 100; i += 1)
      book.remember({ prefix: `10.0.1.${i}`, times: 2, beganAt: 0, endedAt: i });
    expect(book.times('10.0.1.0', 0)).toBe(0);
    expect(book.times('10.0.1.1', 0)).toBe(2);
  });

  it('takes no more than there is room for', () => {
    for (let i = 0; i < 100; i += 1) expect(book.put(ban(`10.0.0.${i}`))).toBe(true);
    expect(book.put(ban('10.0.1.1'))).toBe(false);
    expect(book.put(ban('10.0.0.5', { until: 5 }))).toBe(true);
    expect(book.size).toBe(100);
  });
});
