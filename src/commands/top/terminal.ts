import { writeSync } from 'node:fs';

/** A terminal that a program has to itself, until it gives it back. */
export interface Terminal {
  readonly width: number;
  readonly height: number;
  /** Shows these lines in place of what was there. */
  draw(lines: readonly string[]): void;
  onKey(heard: (key: string) => void): void;
  onResize(heard: () => void): void;
  /** Puts everything back. May be called twice. */
  restore(): void;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Takes the process's terminal: another screen, no cursor, keys as they are struck. It is given back however the process ends,
 * but for SIGKILL: at its exit, on a signal, and where it throws. `ended` is called on a signal.
 */
export function openTerminal(ended: (signal: NodeJS.Signals) => void): Terminal {
  const { stdin, stdout } = process;
  let taken = false;

  const write = (text: string): void => {
    // Not through the stream: at the process's end nothing waits for it.
    try {
      writeSync(stdout.fd, text);
    } catch {
      // The terminal is gone, and nothing of it is left to put back.
    }
  };
  const take = (): void => {
    taken = true;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
  };
  const restore = (): void => {
    if (!taken) return;
    taken = false;
    write(LEAVE);
    try {
      stdin.setRawMode(false);
    } catch {
      // Likewise.
    }
    stdin.pause();
  };
  /** Ctrl-Z: the shell gets its own terminal, and we take ours again when it goes on with us. */
  const suspend = (): void => {
    restore();
    process.once('SIGCONT', () => {
      take();
      resized();
    });
    process.kill(process.pid, 'SIGSTOP');
  };

  let resized: () => void = () => {};
  process.on('exit', restore);
  for (const signal of signals) {
    process.on(signal, () => {
      restore();
      ended(signal);
    });
  }
  take();
  return {
    get width() {
      return stdout.columns || 80;
    },
    get height() {
      return stdout.rows || 24;
    },
    draw(lines) {
      // What was there is erased before a line, not after: at a full line's end the cursor stands on its last character.
      const drawn = lines.map((line, n) => `\u001b[${n === lines.length - 1 ? 'J' : 'K'}${line}`);
      if (taken) stdout.write(`\u001b[H${drawn.join('\r\n')}`);
    },
    onKey(heard) {
      stdin.setEncoding('utf8').on('data', (text: string) => {
        // An arrow comes as one piece; keys struck fast come together.
        for (const key of text.startsWith('\u001b') ? [text] : text) {
          if (key === '\u001a') suspend();
          else heard(key);
        }
      });
      stdin.on('end', () => heard('q'));
    },
    onResize(heard) {
      resized = heard;
      stdout.on('resize', heard);
    },
    restore,
  };
}
