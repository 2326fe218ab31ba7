import type { Logger } from '../logs.ts';

/** What a user will owe for this month, in whole units of the currency. Rejects where it cannot be said now. */
export type AskForecast = (user: string) => Promise<number>;

const LOOK_MS = 60_000;

/** Forecasts of the users that are watched, asked of the ledger once a minute. */
export function createSpending({
  forecast,
  logger,
}: {
  forecast: AskForecast | null;
  logger: Pick<Logger, 'warn'>;
}): {
  watch(users: readonly string[]): void;
  /** null: not known. */
  read(user: string): number | null;
} {
  const known = new Map<string, number | null>();
  /** What was said of a user already. */
  const told = new Map<string, string>();
  /** A look that another watch began over is not gone on with. */
  let round = 0;
  let timer: NodeJS.Timeout | undefined;

  async function look(ask: AskForecast, mine: number): Promise<void> {
    for (const user of [...known.keys()]) {
      try {
        const amount = await ask(user);
        if (mine !== round) return;
        told.delete(user);
        known.set(user, amount);
      } catch (error) {
        if (mine !== round) return;
        // A store that is away says so itself; what was known a minute ago still is.
        const problem = error instanceof Error ? error.message : String(error);
        if (told.get(user) !== problem)
          logger.warn({ kind: 'alert', user, problem }, 'no forecast of spending');
        told.set(user, problem);
      }
    }
    timer = setTimeout(() => void look(ask, mine), LOOK_MS);
  }

  return {
    watch(users) {
      const wanted = new Set(users);
      for (const user of known.keys()) if (!wanted.has(user)) known.delete(user);
      for (const user of wanted) if (!known.has(user)) known.set(user, null);
      clearTimeout(timer);
      round += 1;
      if (forecast !== null && known.size > 0) void look(forecast, round);
    },
    read: (user) => known.get(user) ?? null,
  };
}
