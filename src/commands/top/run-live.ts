import type { AskStats } from './ask-stats.ts';
import { type Frame, frameOf, type Snapshot } from './sample.ts';
import { type OrderName, orders, screenOf, type Styles } from './screen.ts';
import type { Terminal } from './terminal.ts';

const HISTORY_MAX = 500;

export interface LiveOptions {
  ask: AskStats;
  /** What was asked before: the first figures are shown at once. */
  first: Snapshot;
  terminal: Terminal;
  intervalMs: number;
  order: OrderName;
  address: string;
  styles: Styles;
}

/** Shows figures until `q` is struck or `stop` is told to; rejects only where drawing them throws. */
export function runLive(options: LiveOptions): { ended: Promise<void>; stop(): void } {
  const { ask, terminal, intervalMs } = options;
  const done = Promise.withResolvers<void>();
  const history: number[] = [];
  let { order } = options;
  let paused = false;
  let problem: string | null = null;
  let before = options.first;
  let frame: Frame = frameOf(before, undefined);
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  function draw(): void {
    const { width, height } = terminal;
    const { address, styles } = options;
    const view = { width, height, order, paused, history, problem, address, styles };
    terminal.draw(screenOf(frame, view));
  }

  async function look(): Promise<void> {
    try {
      const now = await ask(order);
      frame = frameOf(now, before);
      if (frame.seconds === 0) history.length = 0;
      before = now;
      problem = null;
      if (frame.seconds > 0 && history.push(frame.totals.calls) > HISTORY_MAX) history.shift();
    } catch (error) {
      problem = (error as Error).message.split('\n', 1)[0] ?? '';
    }
  }

  /** One after the other: a gateway that answers slowly is not asked twice at once. */
  async function turn(): Promise<void> {
    if (!paused) await look();
    if (over) return;
    draw();
    timer = setTimeout(() => void turn().catch(done.reject), intervalMs);
  }

  function stop(): void {
    over = true;
    clearTimeout(timer);
    done.resolve();
  }

  function strike(key: string): void {
    const named = orders.find((each) => each.key === key);
    const at = orders.findIndex(({ name }) => name === order);
    const step = key === '\u001b[C' ? 1 : key === '\u001b[D' ? -1 : 0;
    if (key === 'q' || key === 'Q' || key === '\u0003') return stop();
    if (named !== undefined) order = named.name;
    else if (step !== 0) order = orders[(at + step + orders.length) % orders.length]!.name;
    else if (key === 'p' || key === ' ') paused = !paused;
    draw();
  }

  terminal.onKey(strike);
  terminal.onResize(draw);
  draw();
  timer = setTimeout(() => void turn().catch(done.reject), intervalMs);
  return { ended: done.promise, stop };
}
