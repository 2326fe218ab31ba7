#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { commands, exitCodes, runProgram } from './commands/index.ts';
import { keepCompiled } from './threads/index.ts';

/*
 * Each worker has a core of its own: what the collector's helper threads do for one is taken from another, or from itself
 * where it waits for them to be given the core. On one core at half load p99 went from 31 ms to 2 (decision 8).
 * Not in Node 22, which aborts in its next collection when this is set in a process that runs.
 */
if (Number.parseInt(process.versions.node, 10) >= 24) setFlagsFromString('--single-threaded-gc');

keepCompiled(process.env);

const version = (): string => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
};

// `polymorph schema | head` closes our output early: that is the reader's right, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const exitCode = await runProgram(process.argv.slice(2), {
  commands,
  version: version(),
  stderr: (text) => void process.stderr.write(text),
});
if (exitCode !== undefined) process.exitCode = exitCode;
