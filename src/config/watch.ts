import { type BigIntStats, type FSWatcher, readFileSync, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hash } from 'node:crypto';

export interface WatchOptions {
  /** Absolute paths. A file may be away for a while, and be there from the start or not. */
  files: readonly string[];
  /** Epoch milliseconds at which the program began to read them: what was written since is a change. Default: they are read from now on. */
  readAtMs?: number;
  /** Called once after changes have come to rest; `since` is `now()` at the first sign of them. */
  onChange(since: number): void;
  /** Milliseconds without a further sign. Default 20: editors and Kubernetes do a few steps within one or two. */
  debounceMs?: number;
  /** Milliseconds between looks where the system told nothing, as on network file systems. Default 2000. */
  pollMs?: number;
  /** Steady milliseconds; default `performance.now`. */
  now?: () => number;
  watchDirectory?: (directory: string, onEvent: (name: string | null) => void) => { close(): void };
  setTimer?: (callback: () => void, ms: number) => unknown;
  clearTimer?: (timer: unknown) => void;
}

export interface ConfigWatch {
  /** Watches these files from now on. */
  setFiles(files: readonly string[]): void;
  close(): void;
}

/**
 * Tells when one of the files has other contents: written in place, replaced by rename as editors do, by a swap of
 * Kubernetes' `..data` link, gone and back. Directories are watched, not files, since a watch on a file ends with its
 * inode. Contents are compared, so touching a file tells nothing; a file that is away tells nothing until it is back.
 */
export function watchConfig(options: WatchOptions): ConfigWatch {
  const { debounceMs = 20, pollMs = 2000, onChange, now = () => performance.now() } = options;
  const { watchDirectory = watchOnDisk, clearTimer = clearTimeout as (timer: unknown) => void } = options;
  const { setTimer = (callback: () => void, ms: number) => setTimeout(callback, ms).unref() } = options;
  let files: readonly string[] = [];
  let watched: { close(): void }[] = [];
  let seen = new Map<string, string>();
  let stamps = new Map<string, string>();
  let pending: unknown;
  let poll: unknown;
  let since: number | undefined;
  let closed = false;

  const sign = (): void => {
    if (closed) return;
    since ??= now();
    clearTimer(pending);
    pending = setTimer(settle, debounceMs);
  };

  const settle = (): void => {
    const first = since ?? now();
    since = undefined;
    let changed = false;
    for (const file of files) {
      const contents = contentsOf(file);
      if (contents === undefined || contents === seen.get(file)) continue;
      seen.set(file, contents);
      changed = true;
    }
    stamps = new Map(files.map((file) => [file, stampOf(file)]));
    // A swapped link leads to another directory: what happens there counts from now on.
    rewatch();
    if (changed) onChange(first);
  };

  const look = (): void => {
    if (closed) return;
    if (files.some((file) => stampOf(file) !== stamps.get(file))) sign();
    poll = setTimer(look, pollMs);
  };

  const rewatch = (): void => {
    for (const one of watched) one.close();
    const places = new Map<string, Set<string>>();
    for (const file of files) {
      for (const path of [file, realPath(file)]) {
        if (path === undefined) continue;
        const names = places.get(dirname(path)) ?? new Set();
        places.set(dirname(path), names.add(basename(path)).add('..data'));
      }
    }
    watched = [...places].flatMap(([directory, names]) => {
      try {
        return [watchDirectory(directory, (name) => (name === null || names.has(name) ? sign() : undefined))];
      } catch {
        // The directory is away, or the system has no watches left: the slow look goes on.
        return [];
      }
    });
  };

  const setFiles = (next: readonly string[]): void => {
    files = [...new Set(next)];
    seen = new Map(
      files.flatMap((file) => {
        const contents = seen.get(file) ?? contentsOf(file);
        return contents === undefined ? [] : [[file, contents]];
      }),
    );
    stamps = new Map(files.map((file) => [file, stampOf(file)]));
    rewatch();
  };

  setFiles(options.files);
  // A start takes a while, and nobody was watching. In the millisecond itself it may have been before.
  const { readAtMs = Number.POSITIVE_INFINITY } = options;
  const late = files.filter((file) => Number(statsOf(file)?.ctimeNs ?? 0n) / 1e6 >= readAtMs + 1);
  for (const file of late) seen.delete(file);
  if (late.length > 0) sign();
  poll = setTimer(look, pollMs);
  return {
    setFiles,
    close() {
      closed = true;
      clearTimer(pending);
      clearTimer(poll);
      for (const one of watched) one.close();
    },
  };
}

function watchOnDisk(directory: string, onEvent: (name: string | null) => void): FSWatcher {
  const watcher = watch(directory, { persistent: false }, (_, name) => onEvent(name));
  // The directory itself went: the slow look finds it when it is back.
  watcher.on('error', () => onEvent(null));
  return watcher;
}

function contentsOf(file: string): string | undefined {
  try {
    return hash('sha256', readFileSync(file), 'hex');
  } catch {
    return undefined;
  }
}

/** Empty where it cannot be said: links in a circle, a folder that we may not enter, a share that went. */
function stampOf(file: string): string {
  const stats = statsOf(file);
  return stats ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}` : '';
}

function statsOf(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
