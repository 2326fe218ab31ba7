import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { createLogOutput } from './log-output.ts';
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
  /** A line that is no log's: as it is, but for secrets. */
  write(line: string): void;
  /** Waits until what is held back is written, half a second at most. Call before the process ends. */
  flush(): Promise<void>;
  /** From now on these are blanked too: a reload may bring a new token. */
  addSecrets(secrets: readonly string[]): void;
}

const heldBackMax = 8 * 1024 * 1024;
const flushBoundMs = 500;

/** Opens the log. Main alone writes it; workers send their lines here. */
export function openLog(options: LogOptions): OpenLog {
  const standard =
    options.output === undefined
      ? createLogOutput({
          ...{ fd: 1, heldBackMax, flushBoundMs },
          onDropped: (lines) =>
            logger.warn(
              { kind: 'log', lines },
              `lines were dropped, since whoever reads the log did not: ${lines}`,
            ),
        })
      : null;
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
    write: (line) => {
      output.write(redact(`${line}\n`));
    },
    flush: async () => standard?.flush(),
    addSecrets: (more) => {
      for (const secret of more) secrets.add(secret);
      redact = createRedactor([...secrets]);
    },
  };
}

function prettyRenderer(colour: boolean): (line: string) => string {
  const pretty = prettyFactory({ colorize: colour, translateTime: 'SYS:HH:MM:ss.l' });
  return (line) => pretty(line) ?? line;
}
