import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConfigOverrides,
  type ConfigSource,
  type Gateway,
  handleSignals,
  StartError,
  startGateway,
} from '../../control/index.ts';
import { CommandFailure } from '../command.ts';
import type { CommandIo } from '../io.ts';

export interface RunOptions {
  source: ConfigSource;
  overrides: ConfigOverrides;
  watch: boolean;
  version: string;
  io: CommandIo;
  /** Called when it serves. */
  onServing?(gateway: Gateway): void;
  /** Resolves with a reason if something else that the run needs has ended: then the run fails. */
  companion?: { exited: Promise<string>; stop(): Promise<void>; kill(): void };
}

/** Conventional exit code of a process ended by a signal. */
const signalExitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
/** Nothing of ours keeps the process alive after a drain; should something of others, it ends all the same. */
const lingerMs = 2_000;
/** For an end at once: what the last log lines may take. */
const exitBoundMs = 1_000;

/** Runs a gateway until a signal ends it. Throws CommandFailure if it cannot start or its companion ends. */
export async function runGateway(options: RunOptions): Promise<void> {
  const { io, companion } = options;
  let gateway: Gateway | undefined;
  const ended = Promise.withResolvers<string | null>();
  const lastMoment = () => companion?.kill();
  process.once('exit', lastMoment);
  /** Workers serve a moment before the start is through: a signal then waits for it, and loses no call. */
  let ending = false;
  const drain = ({ drain: run }: Gateway) => void run().then(() => ended.resolve(null), ended.reject);
  const exitAt = (code: number) => {
    const exit = () => process.exit(code);
    // What was logged last says why, and is worth a moment.
    if (gateway === undefined) exit();
    else void Promise.race([gateway.stop(), delay(exitBoundMs)]).finally(exit);
  };
  const release = handleSignals(
    process,
    {
      drain() {
        ending = true;
        if (gateway !== undefined) drain(gateway);
      },
      abort: (signal) => exitAt(signalExitCodes[signal] ?? 1),
      // During the start the file has just been read, and is watched from then on.
      reload: options.source.kind === 'file' ? () => void gateway?.reload() : null,
    },
    () => performance.now(),
  );
  process.once('uncaughtException', (error) => {
    gateway?.logger.fatal({ err: error }, 'unexpected error on the main thread');
    if (gateway === undefined) io.stderr(`polymorph: unexpected error\n${error.stack ?? error.message}\n`);
    exitAt(1);
  });

  try {
    gateway = await startGateway({
      source: options.source,
      env: io.env,
      overrides: options.overrides,
      version: options.version,
      terminal: process.stdout.isTTY,
      colour: wantsColour(io.env),
      watch: options.watch,
    }).catch((error: unknown) => {
      if (error instanceof StartError)
        throw new CommandFailure(error.message, error.exitCode, { cause: error });
      throw error;
    });
    void companion?.exited.then((reason) => ended.resolve(reason));
    if (ending) drain(gateway);
    else options.onServing?.(gateway);
    const failure = await ended.promise;
    if (failure !== null) {
      await gateway.stop();
      throw new CommandFailure(failure);
    }
  } finally {
    await companion?.stop();
    release();
    process.off('exit', lastMoment);
    setTimeout(() => process.exit(), lingerMs).unref();
  }
}

/** Colour only where somebody sees it and has not said no (https://no-color.org). */
export function wantsColour(env: CommandIo['env']): boolean {
  return process.stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
