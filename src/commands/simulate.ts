import { isAbsolute, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isTimeText, pastTimeOf } from '../accounts/index.ts';
import { CommandFailure, exitCodes } from './command.ts';
import { loadForCommand } from './config-file.ts';
import { type CommandIo, processIo } from './io.ts';
import { formatReport } from './simulate/format.ts';
import { createProgress } from './simulate/progress.ts';
import { reportOf } from './simulate/report.ts';
import { type Simulation, simulate } from './simulate/run.ts';

interface SimulateOptions {
  log: string[];
  from?: string;
  to?: string;
  sample?: number;
  rows: number;
  json?: boolean;
}

/**
 * `polymorph simulate`: exit 0 replayed, whoever would be limited; 1 replayed what could be read, or nothing could; 2 for a bad option
 * or config, or a log that is not there.
 */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .description(
      'Replay recorded traffic against a config: who would have been limited, when first, how much.',
    )
    .argument('<config>', 'the config to try')
    .requiredOption(
      '--log <file>',
      'the JSON log of a gateway, or rows of usage_logs (CSV, JSON lines); gzip too, - for standard input; may be given again',
      (file: string, files: string[]) => [...files, file],
      [],
    )
    .option(
      '--from <when>',
      'calls from then on: 2026-11-01, 2026-11-01T12:00:00Z or how long ago (24h, 7d)',
      time,
    )
    .option('--to <when>', 'calls before then; the same', time)
    .option(
      '--sample <share>',
      'share of the calls that the log has, where it does not say (0.1, 10%)',
      share,
    )
    .option('--rows <number>', 'lines of each table printed', wholeNumber, 30)
    .option('--json', 'print JSON, all lines of it')
    .addHelpText('after', help)
    .action(async (file: string, options: SimulateOptions) => {
      if (options.log.length === 0)
        throw new CommandFailure('Name the recorded traffic: --log FILE.', exitCodes.usage);
      const config = loadForCommand(file, io);
      if (config === undefined) return io.setExitCode(exitCodes.usage);
      const progress = createProgress(io, () => performance.now());
      const now = Date.now();
      const done = await simulate({
        config,
        logs: options.log.map((name) => ({
          name,
          path: name === '-' || isAbsolute(name) ? name : join(io.cwd, name),
        })),
        from: options.from === undefined ? Number.NEGATIVE_INFINITY : pastTimeOf(options.from, now),
        to: options.to === undefined ? Number.POSITIVE_INFINITY : pastTimeOf(options.to, now),
        sample: options.sample ?? 1,
        onProgress: progress.show,
      }).catch(cannotRead);
      progress.end();
      const report = reportOf(file, options.log, done);
      io.stdout(
        options.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report, options.rows),
      );
      if (done.calls === 0 || done.read.bad > 0) io.setExitCode(exitCodes.failure);
    });
}

const help = `
Exit code: 0 replayed, whoever would be limited; 1 there were lines that could not be read, or no calls at all;
2 a bad option or config, or no such log.

Examples:
  polymorph simulate new.yaml --log access.log
  polymorph simulate new.yaml --log access.log.1.gz --log access.log --from 24h --json`;

function cannotRead(error: unknown): Simulation {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  throw new CommandFailure(`Cannot read ${path ?? 'the log'}: ${message}`, exitCodes.usage, { cause: error });
}

function time(text: string): string {
  if (!isTimeText(text))
    throw new InvalidArgumentError(
      'Expected a time such as 2026-11-01T12:00:00Z, or how long ago, such as 24h.',
    );
  return text;
}

function share(text: string): number {
  const [, number = '', percent] = /^(\d+(?:\.\d+)?)(%)?$/.exec(text) ?? [];
  const value = Number(number) / (percent === undefined ? 1 : 100);
  if (number === '' || !(value > 0 && value <= 1))
    throw new InvalidArgumentError('Expected a share above 0, up to 1 or 100%.');
  return value;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 on.');
  return Number(text);
}
