import { expect, it, vi } from 'vitest';
import { trimWhenQuiet } from './trim-when-quiet.ts';

it('trims once, after the first time in which nothing was done', () => {
  vi.useFakeTimers();
  try {
    let done = 5;
    const trim = vi.fn<() => void>();
    trimWhenQuiet(() => done, 1000, trim);
    for (const more of [1, 3]) {
      done += more;
      vi.advanceTimersByTime(1000);
    }
    expect(trim).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(trim).toHaveBeenCalledOnce();
    done += 1;
    vi.advanceTimersByTime(10_000);
    expect(trim).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
