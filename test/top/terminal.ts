import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mainFile, ownEnvironment } from '../program.ts';
import { createScreen, type Screen } from './screen.ts';

/** `polymorph …` on a real pseudo-terminal. */
export interface OnTerminal {
  readonly screen: Screen;
  /** All that it wrote. */
  output(): string;
  strike(keys: string): void;
  resize(rows: number, columns: number): void;
  signal(number: number): void;
  /** Resolves with the screen's text once that holds; rejects with it after ten seconds. */
  shows(holds: (text: string) => boolean): Promise<string>;
  /** How it ended; `echo` and `lines`: the terminal is as it was. */
  readonly ended: Promise<{ code: number; echo: boolean; lines: boolean }>;
}

const helper = fileURLToPath(new URL('./pseudo-terminal.py', import.meta.url));
const PATIENCE_MS = 10_000;

/** Starts it on a terminal of so many rows and columns. */
export function runOnTerminal(
  args: readonly string[],
  {
    rows = 24,
    columns = 80,
    env = {},
  }: { rows?: number; columns?: number; env?: Record<string, string> } = {},
): OnTerminal {
  const command = [process.execPath, mainFile, ...args];
  const child = spawn('python3', [helper, `${rows}`, `${columns}`, ...command], {
    env: { ...ownEnvironment(), NO_COLOR: '', ...env },
  });
  const screen = createScreen(rows, columns);
  let [output, complaints] = ['', ''];
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    screen.write(text);
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const say = (command: object): void => void child.stdin.write(`${JSON.stringify(command)}\n`);
  const ended = new Promise<{ code: number; echo: boolean; lines: boolean }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(JSON.parse(complaints.trim().split('\n').at(-1) ?? '') as never);
      } catch {
        reject(new Error(`${output}\n${complaints}`));
      }
    });
  });
  const text = (): string => screen.lines().join('\n');
  return {
    screen,
    output: () => output,
    strike: (keys) => say({ keys }),
    resize(newRows, newColumns) {
      screen.resize(newRows, newColumns);
      say({ resize: [newRows, newColumns] });
    },
    signal: (number) => say({ signal: number }),
    shows: (holds) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = (): void => {
          if (!holds(text())) return;
          stop();
          resolve(text());
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`the screen shows\n${text()}`));
        }, PATIENCE_MS);
        waiting.add(look);
        look();
      }),
    ended,
  };
}
