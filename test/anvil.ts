import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findAnvil } from '../src/commands/anvil.ts';
import { endWithUs, ownEnvironment } from './program.ts';

/** A real Ethereum node with a fresh chain, which mines each transaction as it comes. */
export interface Anvil {
  readonly url: string;
  stop(): Promise<void>;
}

/** The first two of the accounts every anvil starts with (mnemonic `test test … junk`), rich and unlocked. */
export const accounts = {
  alice: {
    address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    privateKey: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  },
  bob: {
    address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    privateKey: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  },
} as const;

/** Why tests with a real node are skipped here, or false. */
export const noAnvil = findAnvil() === undefined && 'no anvil for this platform is installed';

/** Starts anvil on 127.0.0.1, on a free port unless `args` name one. Rejects if it does not listen within 15 s. */
export async function startAnvil(args: readonly string[] = []): Promise<Anvil> {
  const binary = findAnvil();
  if (binary === undefined) throw new Error('no anvil is installed');
  const home = await mkdtemp(join(tmpdir(), 'polymorph-anvil-'));
  const listen = ['--host', '127.0.0.1', ...(args.includes('--port') ? [] : ['--port', '0'])];
  const node = spawn(binary, [...listen, '--color', 'never', ...args], {
    cwd: home,
    env: { ...ownEnvironment(), HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const release = node.pid === undefined ? () => {} : endWithUs(node.pid);
  const ended = new Promise<void>((resolve) => {
    node.once('error', () => resolve());
    node.once('exit', () => resolve());
  });
  const stop = async (): Promise<void> => {
    node.kill('SIGKILL');
    await ended;
    release();
    await rm(home, { recursive: true, force: true });
  };
  const url = await new Promise<string | undefined>((resolve) => {
    let output = '';
    const look = (text: string) => {
      output += text;
      const address = /Listening on (127\.0\.0\.1:\d+)/.exec(output)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    };
    node.stdout.setEncoding('utf8').on('data', look);
    node.stderr.resume();
    const late = setTimeout(() => resolve(undefined), 15_000).unref();
    void ended.then(() => resolve(undefined)).then(() => clearTimeout(late));
  });
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error('anvil did not start');
}
