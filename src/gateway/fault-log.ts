import type { FromWorker } from './messages.ts';

/** Lines a worker sends in one second at most, so that who finds a fault cannot fill the log with it. */
const LINES_PER_SECOND = 5;

/** Says what a socket's message threw. Its stack without its message: that may quote what a caller sent. */
export function createFaultLog(
  tell: (message: FromWorker) => void,
  nowMs: () => number,
): (error: unknown, socketId: string) => void {
  let windowStart = Number.NEGATIVE_INFINITY;
  let written = 0;
  let dropped = 0;

  return (error, socket) => {
    const now = nowMs();
    if (now - windowStart >= 1000) {
      windowStart = now;
      written = 0;
    }
    if (written >= LINES_PER_SECOND) {
      dropped++;
      return;
    }
    written++;
    const fields = { socket, stack: stackOf(error), linesDropped: dropped || undefined };
    dropped = 0;
    tell({
      type: 'log',
      lines: [
        { level: 'error', kind: 'worker', msg: 'a WebSocket message failed, its socket is closed', fields },
      ],
    });
  };
}

/** Kind of the error and its frames. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`;
  const { stack = '', message } = error;
  const at = message === '' ? 0 : stack.indexOf(message) + message.length;
  const frames = stack
    .slice(at)
    .split('\n')
    .filter((line) => line.startsWith('    at '));
  return [error.constructor.name, ...frames].join('\n');
}
