import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Scope, scopes } from '../admin/index.ts';
import { formatDuration, parseDuration } from '../config/index.ts';
import { adminToken, adminUrl, tokenOption, usualAdmin } from './admin-url.ts';
import { type CommandIo, processIo } from './io.ts';
import { createAskStats } from './top/ask-stats.ts';
import { runLive } from './top/run-live.ts';
import { frameOf } from './top/sample.ts';
import { type OrderName, orders, plain, screenOf, sorted, stylesOf } from './top/screen.ts';
import { openTerminal } from './top/terminal.ts';

interface TopOptions {
  admin: string;
  token?: string;
  interval: number;
  sort: OrderName;
  once?: boolean;
  json?: boolean;
  scope?: Scope;
}

const INTERVAL_MIN_MS = 200;
const INTERVAL_MAX_MS = 3_600_000;
/** Of the picture that is printed once: as wide as most terminals, and as long as there are callers and methods. */
const ONCE_WIDTH = 100;
const ONCE_ROWS = 40;

/** `polymorph top`: exit 0 when it was quit or has printed; 2 bad usage or admin listener out of reach; 128 and more: a signal. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .description('Who calls what, now: callers and methods of a running gateway, in a terminal, live.')
    .option('--admin <url>', 'the admin listener of the running gateway', usualAdmin)
    .option(...tokenOption)
    .option('--interval <duration>', 'between two looks: 200ms to 1h', interval, 2000)
    .addOption(
      new Option('--sort <column>', 'the greatest first')
        .choices(orders.map(({ name }) => name))
        .default('calls'),
    )
    .addOption(
      new Option(
        '--scope <scope>',
        'all instances together, or this one; default: all, where they share a Redis',
      ).choices(scopes),
    )
    .option('--once', 'look twice, an interval apart, print and end; so too where output is no terminal')
    .option('--json', 'the same as JSON')
    .addHelpText('after', help)
    .action(async (options: TopOptions) => {
      const base = adminUrl(options.admin);
      const token = adminToken(options.token, io.env);
      const ask = createAskStats(base, token, () => performance.now(), options.scope);
      const first = await ask(options.sort);
      const live = options.once !== true && options.json !== true && io.interactive === true;
      if (!live) {
        await sleep(options.interval);
        const frame = frameOf(await ask(options.sort), first);
        const lists = {
          callers: sorted(frame.callers, options.sort),
          methods: sorted(frame.methods, options.sort),
        };
        io.stdout(
          options.json === true ? `${JSON.stringify({ ...frame, ...lists }, null, 2)}\n` : once(frame),
        );
        return;
      }
      const terminal = openTerminal((signal) => {
        shown.stop();
        io.setExitCode(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 129);
      });
      const shown = runLive({
        ...{ ask, first, terminal, intervalMs: options.interval, order: options.sort, address: base.host },
        styles: stylesOf(!io.env['NO_COLOR']),
      });
      await shown.ended.finally(terminal.restore);

      function once(frame: ReturnType<typeof frameOf>): string {
        const lines = screenOf(frame, {
          ...{ width: ONCE_WIDTH, height: ONCE_ROWS, order: options.sort, paused: false, problem: null },
          ...{ history: [], address: base.host, styles: plain },
        });
        // The last line tells of keys.
        return `${lines
          .slice(0, -1)
          .map((line) => line.trimEnd())
          .join('\n')
          .trimEnd()}\n`;
      }
    });
}

const help = `
Keys: c calls, r refused, u cost units, b bytes, l latency sort by that column (so do the arrows); p pauses; q quits.

Examples:
  polymorph top
  polymorph top --sort refused --interval 500ms
  polymorph top --scope instance
  polymorph top --admin https://gateway.example:9540 --once --json`;

function interval(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS)
    throw new InvalidArgumentError(
      `Expected a duration from ${formatDuration(INTERVAL_MIN_MS)} to ${formatDuration(INTERVAL_MAX_MS)}, such as 2s.`,
    );
  return ms;
}
