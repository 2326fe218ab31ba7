import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { handleSignals } from './signals.ts';

function build(canReload: boolean) {
  const source = new EventEmitter();
  const done: string[] = [];
  let now = 0;
  const stop = handleSignals(
    source,
    {
      drain: (signal) => done.push(`drain ${signal}`),
      abort: (signal) => done.push(`abort ${signal}`),
      reload: canReload ? () => done.push('reload') : null,
    },
    () => now,
  );
  const send = (signal: NodeJS.Signals, atMs: number) => {
    now = atMs;
    source.emit(signal, signal);
  };
  return { source, done, stop, send };
}

test('first drain, then abort; the echo of one keystroke is not a second', () => {
  const { send, done, stop, source } = build(true);
  send('SIGHUP', 0);
  send('SIGINT', 1000);
  send('SIGINT', 1010);
  send('SIGHUP', 1600);
  send('SIGTERM', 2000);
  expect(done).toEqual(['reload', 'drain SIGINT', 'abort SIGTERM']);
  stop();
  expect(source.eventNames()).toEqual([]);
});

test('without a file to reload a hang-up ends the program', () => {
  const { send, done } = build(false);
  send('SIGHUP', 0);
  expect(done).toEqual(['drain SIGHUP']);
});
