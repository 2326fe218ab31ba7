import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigWatch, watchConfig } from './watch.ts';

let directory: string;
let open: ConfigWatch | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'polymorph-watch-'));
});
afterEach(() => {
  open?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A watch whose timers and directory events the test works by hand. */
function byHand(files: string[], readAtMs?: number) {
  const changes: number[] = [];
  const watched = new Map<string, (name: string | null) => void>();
  const timers = new Map<number, { callback: () => void; ms: number }>();
  let ids = 0;
  let clock = 0;
  const run = (ms: number): void => {
    for (const [id, timer] of [...timers]) {
      if (timer.ms !== ms) continue;
      timers.delete(id);
      timer.callback();
    }
  };
  open = watchConfig({
    files,
    readAtMs,
    onChange: (since) => changes.push(since),
    debounceMs: 20,
    pollMs: 2000,
    now: () => clock,
    watchDirectory: (path, onEvent) => {
      watched.set(path, onEvent);
      return { close: () => void watched.delete(path) };
    },
    setTimer: (callback, ms) => {
      ids += 1;
      timers.set(ids, { callback, ms });
      return ids;
    },
    clearTimer: (id) => void timers.delete(id as number),
  });
  return {
    changes,
    watched,
    timers,
    watch: open,
    at: (ms: number) => void (clock = ms),
    event: (path: string, name: string | null) => watched.get(path)?.(name),
    settle: () => run(20),
    look: () => run(2000),
  };
}

describe('watchConfig', () => {
  it('tells once of many signs, with the time of the first', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const hand = byHand([file]);
    writeFileSync(file, 'b');
    for (const ms of [5, 6, 7]) {
      hand.at(ms);
      hand.event(directory, 'c.yaml');
    }
    hand.at(30);
    hand.settle();
    hand.settle();
    expect(hand.changes).toEqual([5]);
  });

  it('tells nothing of other files, of touches and of what is written back', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const hand = byHand([file]);
    hand.event(directory, 'c.yaml.swp');
    expect(hand.timers.size).toBe(1);
    utimesSync(file, 1, 1);
    hand.event(directory, 'c.yaml');
    hand.settle();
    expect(hand.changes).toEqual([]);
  });

  it('tells of what was written after the program had read it and before it was watched', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const before = byHand([file], statSync(file).ctimeMs + 1);
    before.settle();
    expect(before.changes).toEqual([]);
    before.watch.close();
    const after = byHand([file], statSync(file).ctimeMs - 2);
    after.settle();
    after.settle();
    expect(after.changes).toHaveLength(1);
  });

  it('goes on where a file cannot even be looked at, as behind links in a circle', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const hand = byHand([file]);
    unlinkSync(file);
    symlinkSync('c.yaml', file);
    hand.look();
    hand.settle();
    expect(hand.changes).toEqual([]);
    unlinkSync(file);
    writeFileSync(file, 'b');
    hand.look();
    hand.settle();
    expect(hand.changes).toHaveLength(1);
  });

  it('sees an editor’s rename', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const hand = byHand([file]);
    for (const contents of ['b', 'c']) {
      writeFileSync(join(directory, 'new'), contents);
      renameSync(join(directory, 'new'), file);
      hand.event(directory, 'c.yaml');
      hand.settle();
    }
    expect(hand.changes).toHaveLength(2);
  });

  it('sees Kubernetes swap ..data, again and again', () => {
    const version = (name: string, contents: string): void => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'c.yaml'), contents);
      symlinkSync(name, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    version('..v1', 'a');
    const file = join(directory, 'c.yaml');
    symlinkSync('..data/c.yaml', file);
    const hand = byHand([file]);
    expect([...hand.watched.keys()]).toContain(join(directory, '..v1'));
    for (const [index, name] of ['..v2', '..v3'].entries()) {
      version(name, `contents ${index}`);
      hand.event(directory, '..data');
      hand.settle();
      expect(hand.changes).toHaveLength(index + 1);
      expect([...hand.watched.keys()]).toContain(join(directory, name));
    }
  });

  it('waits for a file that vanished, and tells when it is back with other contents', () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const hand = byHand([file]);
    unlinkSync(file);
    hand.event(directory, 'c.yaml');
    hand.settle();
    expect(hand.changes).toEqual([]);
    writeFileSync(file, 'a');
    hand.event(directory, 'c.yaml');
    hand.settle();
    expect(hand.changes).toEqual([]);
    writeFileSync(file, 'b');
    hand.look();
    hand.settle();
    expect(hand.changes).toHaveLength(1);
  });

  it('finds by slow looks what no event told, also in a directory that comes later', () => {
    const file = join(directory, 'later', 'c.yaml');
    const hand = byHand([file]);
    hand.look();
    mkdirSync(join(directory, 'later'));
    writeFileSync(file, 'a');
    hand.look();
    hand.settle();
    expect(hand.changes).toHaveLength(1);
    hand.look();
    hand.settle();
    expect(hand.changes).toHaveLength(1);
  });

  it('watches other files once told to, and nothing when closed', () => {
    const [file, cert] = [join(directory, 'c.yaml'), join(directory, 'cert.pem')];
    writeFileSync(file, 'a');
    writeFileSync(cert, 'x');
    const hand = byHand([file]);
    hand.watch.setFiles([file, cert]);
    writeFileSync(cert, 'y');
    hand.event(directory, 'cert.pem');
    hand.settle();
    expect(hand.changes).toHaveLength(1);
    hand.watch.close();
    expect(hand.watched.size + hand.timers.size).toBe(0);
  });

  it('works on the disk', async () => {
    const file = join(directory, 'c.yaml');
    writeFileSync(file, 'a');
    const told = new Promise<void>((resolve) => {
      open = watchConfig({ files: [file], onChange: () => resolve(), debounceMs: 1, pollMs: 50 });
    });
    writeFileSync(join(directory, 'new'), 'b');
    renameSync(join(directory, 'new'), file);
    await told;
  });
});
