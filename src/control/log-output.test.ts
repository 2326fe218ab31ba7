import { expect, test, vi } from 'vitest';
import { createLogOutput } from './log-output.ts';

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

/** A pipe whose reader takes `room` bytes and then no more until told. */
function pipe(room: number, code = 'EAGAIN') {
  const end = { room, text: '' };
  const write = (_: number, bytes: Uint8Array, done: Done) =>
    setImmediate(() => {
      const taken = Math.min(end.room, bytes.length);
      if (taken === 0) return done(Object.assign(new Error(code), { code }), 0);
      end.room -= taken;
      end.text += Buffer.from(bytes.subarray(0, taken)).toString();
      return done(null, taken);
    });
  return { end, write };
}

const open = (
  write: ReturnType<typeof pipe>['write'],
  heldBackMax = 1000,
  onDropped?: (lines: number) => void,
) => createLogOutput({ fd: 1, heldBackMax, flushBoundMs: 30, retryMs: 1, write, onDropped });

test('all lines arrive in order, also where the pipe takes them in pieces', async () => {
  const { end, write } = pipe(5);
  const output = open(write);
  for (const line of ['one\n', 'two\n', 'three\n']) output.write(line);
  setTimeout(() => (end.room = 1000), 5);
  await output.flush();
  expect(end.text).toBe('one\ntwo\nthree\n');
  await output.flush();
});

test('a reader who does not read holds nobody up, and lines beyond the bound are dropped', async () => {
  const { end, write } = pipe(0);
  const output = open(write, 8);
  for (const line of ['first\n', '12345\n', '67890\n', 'a\n']) output.write(line);
  await output.flush();
  expect(end.text).toBe('');
  end.room = 1000;
  await output.flush();
  expect(end.text).toBe('first\n12345\na\n');
});

test('what was dropped is told behind what was held back, once', async () => {
  const { end, write } = pipe(0);
  const output: ReturnType<typeof open> = open(write, 12, (lines) => output.write(`dropped ${lines}\n`));
  for (const line of ['first\n', '12345\n', '67890\n', 'abcdef\n']) output.write(line);
  await output.flush();
  end.room = 1000;
  await output.flush();
  expect(end.text).toBe('first\n12345\n67890\ndropped 1\n');
  output.write('b\n');
  await output.flush();
  expect(end.text).toBe('first\n12345\n67890\ndropped 1\nb\n');
});

test('what was dropped is told also where the next lines wait whenever some were read', async () => {
  const { end, write } = pipe(0);
  let ceased = false;
  const output: ReturnType<typeof open> = open(
    (fd, bytes, done) =>
      write(fd, bytes, (error, written) => {
        if (error === null && !ceased) output.write('more\n');
        done(error, written);
      }),
    16,
    (lines) => output.write(`dropped ${lines}\n`),
  );
  for (const line of ['first\n', '1234567\n', '8901234\n', 'abcdefghij\n']) output.write(line);
  await output.flush();
  end.room = 1e6;
  await vi.waitFor(() => expect(end.text).toContain('more\nmore\n'));
  expect(end.text.replaceAll('more\n', '')).toBe('first\n1234567\n8901234\ndropped 2\n');
  ceased = true;
  await output.flush();
});

test('a reader who went away ends it quietly', async () => {
  const { end, write } = pipe(0, 'EPIPE');
  const output = open(write);
  output.write('first\n');
  await output.flush();
  end.room = 1000;
  output.write('second\n');
  await output.flush();
  expect(end.text).toBe('');
});
