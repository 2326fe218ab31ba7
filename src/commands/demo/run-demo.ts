import { randomBytes } from 'node:crypto';
import { newApiKey } from '../../identity/index.ts';
import { CommandFailure } from '../command.ts';
import { type RunOptions, runGateway, wantsColour } from '../start/run-gateway.ts';
import { startAnvil } from './anvil-process.ts';
import { demoConfig } from './demo-config.ts';
import { welcome } from './welcome.ts';

export interface DemoOptions extends Omit<RunOptions, 'source' | 'onServing' | 'companion'> {
  /** Path of the anvil binary. */
  anvil: string;
}

/** Runs the gateway in front of a node started for it, and prints what to try. Ends both together. */
export async function runDemo({ anvil: binary, overrides, io, ...options }: DemoOptions): Promise<void> {
  io.stdout('Starting a local Ethereum node for a demo …\n');
  const anvil = await startAnvil(binary).catch((error: unknown) => {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  });
  const key = newApiKey(randomBytes);
  await runGateway({
    ...options,
    io,
    source: { kind: 'value', value: demoConfig(anvil.url, key), name: 'demo', directory: io.cwd },
    // The screen is for what to try; what goes wrong still shows.
    overrides: { logLevel: 'warn', ...overrides },
    companion: {
      ...anvil,
      exited: anvil.exited.then((reason) => `The local Ethereum node is gone: ${reason}`),
    },
    onServing: (gateway) =>
      io.stdout(
        welcome({
          version: options.version,
          address: gateway.url,
          admin: gateway.adminUrl,
          key,
          chainId: anvil.chainId,
          colour: wantsColour(io.env),
        }),
      ),
  });
}
