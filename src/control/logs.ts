import { destination, type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { createRedactor } from './redact.ts';

export type { Logger } from 'pino';

export interface LogOptions {
  /** Least level written: trace, debug, info, warn, error, fatal or silent. */
  level: string;
  /** `pretty` for people, `json` (one object a line) for machines. */
  format: 'json' | 'pretty';
  colour: boolean;
  /** Blanked wherever they appear. */
  secrets?: readonly string[];
  /** Where lines go; default: standard output, written without blocking the thread. */
  output?: DestinationStream;
}

export interface OpenLog {
  logger: Logger;
  /** Writes out what is still held back. Call before the process ends. */
  flush(): void;
  /** From now on these are blanked too: a reload may bring a new token. */
  addSecrets(secrets: readonly string[]): void;
}

/** Lines held back while a slow reader keeps standard output full; above it new lines are dropped. */
const heldBackBytesMax = 8 * 1024 * 1024;

/** Opens the log. Main alone writes it; workers send their lines here. */
export function openLog(options: LogOptions): OpenLog {
  const standard = options.output === undefined ? standardOutput() : null;
  const output: DestinationStream = options.output ?? standard ?? { write: () => {} };
  const secrets = new Set(options.secrets);
  let redact = createRedactor([...secrets]);
  const render = options.format === 'json' ? (line: string) => line : prettyRenderer(options.colour);
  const stream: DestinationStream = { write: (line) => output.write(redact(render(line))) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    logger,
    flush: () => standard?.flushSync(),
    addSecrets: (more) => {
      for (const secret of more) secrets.add(secret);
      redact = createRedactor([...secrets]);
    },
  };
}

function standardOutput(): ReturnType<typeof destination> {
  const output = destination({ dest: 1, sync: false, minLength: 0, maxLength: heldBackBytesMax });
  // A reader that went away (`| head`) must not end the gateway.
  output.on('error', () => {});
  return output;
}

function prettyRenderer(colour: boolean): (line: string) => string {
  const pretty = prettyFactory({ colorize: colour, translateTime: 'SYS:HH:MM:ss.l' });
  return (line) => pretty(line) ?? line;
}
