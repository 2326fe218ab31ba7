import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../config/index.ts';
import { exampleEvent } from '../testing/example-event.ts';
import { clip, clipEscaped, oneLine } from './clip.ts';
import { tell } from './index.ts';
import { countText, momentText, spanText } from './quantities.ts';
import { whoOf } from './told.ts';

describe('an event in words', () => {
  it.each(eventTypes)('%s: a title of one line, what came of it, and facts', (type) => {
    const { title, text, facts } = tell(exampleEvent(type));
    expect(title).toMatch(/^\S[^\n]{5,118}\S$/);
    expect(text).toMatch(/[.!?]$|: .+$/);
    expect(facts.length).toBeGreaterThan(0);
    expect(facts.length).toBeLessThanOrEqual(8);
    expect([title, text, ...facts.flat()].join(' ')).not.toMatch(/undefined|NaN|null|\[object/);
  });

  it('a summary says how often', () => {
    const { data, ...event } = exampleEvent('rate_limit.exceeded');
    const told = tell({ ...event, data: { ...data, count: 9999, windowMs: 60_000 } });
    expect(told.title).toBe('Rate limit exceeded 9,999 times by key acme (Jk3n9QxA)');
    expect(told.facts).toContainEqual(['How often', '9,999 times in 1 min']);
  });

  it('the end of a trouble is good', () => {
    const good = eventTypes.filter((type) => tell(exampleEvent(type)).good);
    expect(good).toEqual(['config.reloaded', 'ip.unbanned', 'upstream.up', 'redis.up', 'alert.resolved']);
  });

  it.each([
    ['key:Jk3n9QxA/acme', 'key acme (Jk3n9QxA)'],
    ['key:Jk3n9QxA', 'key Jk3n9QxA'],
    ['key:Jk3n9QxA/a/b', 'key a/b (Jk3n9QxA)'],
    ['upstream:mainnet/node-1', 'upstream mainnet/node-1'],
    ['2001:db8::/64', '2001:db8::/64'],
    ['config', 'config'],
  ])('%s is %s', (subject, who) => expect(whoOf(subject)).toBe(who));
});

describe('quantities', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [42_000, '42 s'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [Number.NaN, '0 ms'],
  ])('%d ms is %s', (ms, text) => expect(spanText(ms)).toBe(text));

  it('numbers and moments', () => {
    expect([1234567, 0.21345, 12.5, 1e6].map(countText)).toEqual(['1,234,567', '0.213', '12.5', '1,000,000']);
    expect(momentText('2026-11-03T14:05:09.123Z')).toBe('2026-11-03 14:05:09 UTC');
    expect(momentText('soon')).toBe('soon');
  });
});

describe('clipping', () => {
  it('keeps the bound, characters and escapes whole', () => {
    const escape = (text: string) => text.replaceAll('&', '&amp;');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, max) => {
        const plain = text.toWellFormed();
        expect(clip(plain, max).length).toBeLessThanOrEqual(max);
        expect(clip(plain, max).isWellFormed()).toBe(true);
        const clipped = clipEscaped(`${plain}&&&`, max, escape);
        expect(clipped.length).toBeLessThanOrEqual(max);
        expect(clipped.replaceAll('&amp;', '')).not.toContain('&');
      }),
    );
    expect(clipEscaped('a&b', 7, escape)).toBe('a&amp;b');
    expect(clipEscaped('a&b', 6, escape)).toBe('a…');
    expect(clip('😀😀', 3)).toBe('😀…');
  });

  it('one line, and nothing that hides', () => {
    expect(oneLine(' a\r\nb\u202e\u200bc\ud800 ')).toBe('a b c\ufffd');
  });
});
