import type { CommandIo } from '../io.ts';
import { grouped } from '../store/columns.ts';
import type { ReadProgress } from './read-log.ts';

const INTERVAL_MS = 200;

/** One line on standard error that says how far it is, where somebody watches. */
export function createProgress(
  { stderr, watched }: Pick<CommandIo, 'stderr' | 'watched'>,
  nowMs: () => number,
): { show(file: string, calls: number, progress: ReadProgress): void; end(): void } {
  let shownAt = nowMs();
  let shown = false;
  return {
    show(file, calls, { bytesRead, bytesTotal }) {
      if (watched !== true || nowMs() - shownAt < INTERVAL_MS) return;
      shownAt = nowMs();
      shown = true;
      const percent =
        bytesTotal === 0 ? '' : `${Math.min(100, Math.floor((100 * bytesRead) / bytesTotal))}% of `;
      stderr(`\r\u001b[K${percent}${file}: ${grouped(calls)} calls`);
    },
    end() {
      if (shown) stderr('\r\u001b[K');
    },
  };
}
