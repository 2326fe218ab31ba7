/** What a command that only reads and prints needs of the world. */
export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths begin here. */
  cwd: string;
  /** Somebody watches standard error: progress may be shown there. Default: no. */
  watched?: boolean;
  /** Standard input and output are a terminal. Default: no. */
  interactive?: boolean;
  /** The process ends with this code once all is written. */
  setExitCode(code: number): void;
}

/** The process's own. */
export function processIo(): CommandIo {
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    watched: process.stderr.isTTY,
    interactive: process.stdin.isTTY && process.stdout.isTTY,
    setExitCode(code) {
      process.exitCode = code;
    },
  };
}
