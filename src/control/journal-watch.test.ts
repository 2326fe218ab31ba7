import { describe, expect, it } from 'vitest';
import { createJournalWatch } from './journal-watch.ts';

function watch(whenFull: 'refuse' | 'serve_unmetered' = 'refuse', lost = () => 0) {
  const lines: string[] = [];
  const write = (level: string) => (_facts: unknown, text?: string) => void lines.push(`${level}: ${text}`);
  const logger = { error: write('error'), warn: write('warn') } as never;
  return { lines, journals: createJournalWatch(logger, { whenFull: () => whenFull, lost }) };
}

describe('journals that are full', () => {
  it('are told of once for all workers, and once when it is over', () => {
    const { lines, journals } = watch();
    journals.said(0, true, 'ENOSPC');
    journals.said(1, true, 'EDQUOT');
    journals.said(0, false, '');
    expect(lines).toEqual([
      'error: usage cannot be written to the journals: all calls are refused until there is room (usage.when_full: refuse)',
    ]);
    expect(journals.problem(), 'of the one that is left').toBe(
      'usage cannot be written to the journals (EDQUOT): all calls are refused until there is room (usage.when_full: refuse)',
    );
    journals.said(1, false, '');
    expect(journals.problem()).toBeNull();
    journals.said(1, false, '');
    expect(lines.slice(1)).toEqual(['warn: usage is written to the journals again']);
  });

  it('are told of with what this time has cost', () => {
    let lost = 7;
    const { lines, journals } = watch('serve_unmetered', () => lost);
    journals.said(0, true, 'ENOSPC');
    journals.said(1, true, 'ENOSPC');
    lost = 12;
    journals.said(1, false, '');
    journals.said(0, false, '');
    expect(lines.slice(1)).toEqual([
      'warn: usage is written to the journals again: usage of 5 calls and events is lost',
    ]);
  });

  it('are no more when their worker has died; and what is lost is called lost', () => {
    const { lines, journals } = watch('serve_unmetered');
    journals.said(3, true, 'EDQUOT');
    expect(lines[0]).toContain('their usage is lost');
    journals.gone(2);
    expect(lines.length).toBe(1);
    journals.gone(3);
    expect(lines.slice(1)).toEqual(['warn: the last worker that could not write usage has ended']);
    journals.said(3, true, 'EDQUOT');
    expect(lines.slice(2)).toEqual([lines[0]]);
  });
});
