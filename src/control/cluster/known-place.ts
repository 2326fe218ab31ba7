import { readFileSync } from 'node:fs';
import type { Place } from '../../limits/index.ts';
import { writeSmallState } from '../state-file.ts';

/** The place among the others that was known last, over restarts: an instance that starts while Redis is away goes by it. */
export interface KnownPlace {
  /** null: none is known, or what is kept cannot be read. */
  read(): Place | null;
  /** What holds now. Of fewer instances only once they have been fewer for a minute: where all end one after the other, the last is not alone. */
  keep(place: Place): void;
  stop(): void;
}

/** The file in `server.state_dir`. */
export const placeFile = 'instance.place';

const FEWER_MS = 60_000;

/** `path` null: nothing outlives the process. */
export function createKnownPlace({
  path,
  after,
}: {
  path: string | null;
  /** Calls `work` once; what it returns takes that back. */
  after(ms: number, work: () => void): () => void;
}): KnownPlace {
  let kept: Place | null = null;
  let cancel = (): void => {};

  function write(place: Place): void {
    kept = place;
    if (path === null) return;
    try {
      writeSmallState(path, JSON.stringify(place));
    } catch {
      // A folder that takes no file says so where more depends on it.
    }
  }

  return {
    read() {
      kept = path === null ? null : readPlace(path);
      return kept;
    },
    keep(place) {
      cancel();
      if (kept !== null && place.instances < kept.instances) cancel = after(FEWER_MS, () => write(place));
      else if (place.instances !== kept?.instances || place.rank !== kept.rank) write(place);
    },
    stop: () => cancel(),
  };
}

function readPlace(path: string): Place | null {
  try {
    const { instances, rank } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Place>;
    if (!isCount(instances) || !isCount(rank) || rank >= instances) return null;
    return { instances, rank };
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100_000;
}
