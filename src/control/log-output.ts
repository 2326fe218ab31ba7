import { write as writeFd } from 'node:fs';

/** Where finished lines go. */
export interface LogOutput {
  write(text: string): void;
  /** Resolves when all is written, or after the bound: a reader who does not read must not keep us from ending. */
  flush(): Promise<void>;
}

type Write = (
  fd: number,
  bytes: Uint8Array,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

export interface LogOutputOptions {
  fd: number;
  /** Lines held back while a slow reader keeps the pipe full; above it new lines are dropped, and counted. Characters. */
  heldBackMax: number;
  /** Milliseconds. */
  flushBoundMs: number;
  /** So many lines were dropped; told as soon as there is room for a line again. */
  onDropped?(lines: number): void;
  /** Milliseconds until a full pipe is tried again. Default 50. */
  retryMs?: number;
  /** Default: `fs.write`, which blocks no thread of ours. */
  write?: Write;
}

/** Writes to a file descriptor in order and without waiting. A reader that went away (`| head`) ends it quietly. */
export function createLogOutput({
  fd,
  heldBackMax,
  flushBoundMs,
  onDropped = () => {},
  retryMs = 50,
  write = (...[to, bytes, done]) => writeFd(to, bytes, done),
}: LogOutputOptions): LogOutput {
  let waiting: string[] = [];
  let waitingLength = 0;
  let writing: Uint8Array | null = null;
  let gone = false;
  let dropped = 0;
  const flushes = new Set<() => void>();

  const send = (bytes: Uint8Array) => {
    writing = bytes;
    write(fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => send(bytes), retryMs).unref();
      else if (error !== null) {
        gone = true;
        settle();
      } else if (written < bytes.length) send(bytes.subarray(written));
      else {
        writing = null;
        if (waiting.length > 0) sendWaiting();
        tellDropped();
        if (writing === null) settle();
      }
    });
  };
  const sendWaiting = () => {
    const text = waiting.join('');
    waiting = [];
    waitingLength = 0;
    send(Buffer.from(text));
  };
  /** There is room for a line now, also where others come as fast as they are read. */
  const tellDropped = () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    onDropped(lines);
  };
  const settle = () => {
    writing = null;
    for (const done of flushes) done();
  };

  return {
    write(text) {
      if (gone) return;
      if (waitingLength + text.length > heldBackMax) {
        dropped += 1;
        return;
      }
      waiting.push(text);
      waitingLength += text.length;
      if (writing === null) sendWaiting();
    },
    async flush() {
      if (writing === null) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(bound);
          flushes.delete(done);
          resolve();
        };
        const bound = setTimeout(done, flushBoundMs);
        flushes.add(done);
      });
    },
  };
}
