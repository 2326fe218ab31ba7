import type { Command } from 'ioredis';
import type { RedisClient } from './client.ts';
import { troubleOf } from './failure.ts';

/** What became of commands, since the start. Those for Redis's own greeting count too. */
export interface CommandCounts {
  answered: number;
  /** Answered with an error. */
  refused: number;
  timedOut: number;
  /** Not sent, or the connection ended before an answer. */
  lost: number;
  /** From sending to the answer, of all that were answered. */
  seconds: number;
}

/** Counts what goes out by `client` from now on. Some 0.5 µs a command. */
export function countCommands(client: RedisClient): CommandCounts {
  const counts: CommandCounts = { answered: 0, refused: 0, timedOut: 0, lost: 0, seconds: 0 };
  const send = client.sendCommand.bind(client) as (command: Command, ...rest: unknown[]) => unknown;
  client.sendCommand = (command: Command, ...rest: unknown[]) => {
    const began = performance.now();
    const answered = (): void => {
      counts.seconds += (performance.now() - began) / 1000;
    };
    (command.promise as Promise<unknown>).then(
      () => {
        counts.answered += 1;
        answered();
      },
      (error: unknown) => {
        const trouble = troubleOf(error);
        if (trouble === 'timeout') counts.timedOut += 1;
        else if (trouble === 'lost') counts.lost += 1;
        else {
          counts.refused += 1;
          answered();
        }
      },
    );
    return send(command, ...rest);
  };
  return counts;
}
