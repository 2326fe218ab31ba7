import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import {
  type Figures,
  type FiguresRecord,
  mergeFigures,
  readRecord,
  recordFigures,
} from '../../metrics/index.ts';
import type { RedisKeeper } from '../cluster/redis-keeper.ts';

/** Figures of all instances, of which each tells the others by Redis every two seconds. */
export interface ClusterFigures {
  /** Never rejects: what cannot be had is not in the sums, and counted as missing. */
  read(): Promise<ClusterReading>;
  /** Nothing of the others can be had. */
  isAway(): boolean;
  /** This instance's. */
  readonly id: string;
  stop(): void;
}

export interface ClusterReading {
  figures: Figures;
  /** Whose figures these are, this one first; milliseconds of age. */
  instances: { id: string; ageMs: number }[];
  /** Instances that are there, and are not in the sums. */
  missing: number;
  /** Redis was not there, so that only this instance's are. */
  away: boolean;
}

export interface ClusterFiguresOptions {
  figures: Figures;
  redis: Pick<RedisKeeper, 'link' | 'members' | 'settings' | 'id'>;
}

/** What another instance told. */
interface Told {
  id: string;
  ageMs: number;
  record: FiguresRecord;
}

const TELL_MS = 2000;
/** What an instance told is forgotten after this long. */
const EXPIRY_MS = 10_000;
/** What was read serves questions that come together: `polymorph top` asks four. */
const FRESH_MS = 250;
/** Nobody tells more: see `RECORD_ROWS`. */
const BYTES_MAX = 16 << 20;
/** Instances whose figures are on their way at once: what is asked for calls on the same connection has to wait for no more than these. */
const READ_AT_ONCE = 4;

const compress = promisify(deflate);
const expand = promisify(inflate);

export function createClusterFigures({ figures, redis }: ClusterFiguresOptions): ClusterFigures {
  const { link, members, settings, id } = redis;
  const { client, guard } = link;
  const keyOf = (instance: string): string => `${settings.prefix}figures:{${instance}}`;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<ClusterReading> | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;

  async function tell(): Promise<void> {
    if (guard.isOpen()) return;
    const text = await compress(JSON.stringify(await recordFigures(figures)), { level: 1 });
    if (guard.isOpen()) return;
    try {
      await client.set(keyOf(id), text, 'PX', EXPIRY_MS);
      guard.succeeded();
    } catch (error) {
      guard.failed(error);
    }
  }

  function tellLater(): void {
    if (stopped) return;
    timer = setTimeout(() => void tell().finally(tellLater), TELL_MS);
    timer.unref();
  }

  /** null: it told nothing yet, or by another version's columns, or there was no answer. */
  async function readOne(instance: string): Promise<Told | null> {
    if (guard.isOpen()) return null;
    const key = keyOf(instance);
    let answers: [Buffer | null, number];
    try {
      answers = await Promise.all([client.getBuffer(key), client.pttl(key)]);
      guard.succeeded();
    } catch (error) {
      guard.failed(error);
      return null;
    }
    const [bytes, leftMs] = answers;
    if (bytes === null) return null;
    const record = await recordOf(bytes);
    // By the clock of Redis, which all have in common.
    return record && { id: instance, ageMs: Math.max(0, EXPIRY_MS - Math.max(0, leftMs)), record };
  }

  async function readAll(): Promise<ClusterReading> {
    const { ids } = members.state();
    // Of several that have one id by mistake one key is there, with the figures of the last that told.
    const others = [...new Set(ids)].filter((each) => each !== id);
    const found: Told[] = [];
    for (let from = 0; from < others.length; from += READ_AT_ONCE) {
      const some = await Promise.all(others.slice(from, from + READ_AT_ONCE).map(readOne));
      found.push(...some.filter((one) => one !== null));
    }
    return {
      figures:
        found.length === 0
          ? figures
          : mergeFigures(
              figures,
              found.map(({ record }) => record),
            ),
      instances: [{ id, ageMs: 0 }, ...found.map(({ id: other, ageMs }) => ({ id: other, ageMs }))],
      missing: ids.length - 1 - found.length,
      away: false,
    };
  }

  void tell().finally(tellLater);
  return {
    id,
    isAway: guard.isOpen,
    async read() {
      if (guard.isOpen()) return { figures, instances: [{ id, ageMs: 0 }], missing: 0, away: true };
      const now = performance.now();
      if (reading === undefined || now - readAtMs > FRESH_MS) {
        readAtMs = now;
        reading = readAll();
      }
      return reading;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function recordOf(bytes: Buffer): Promise<FiguresRecord | null> {
  try {
    const text = await expand(bytes, { maxOutputLength: BYTES_MAX });
    return readRecord(JSON.parse(text.toString()));
  } catch {
    return null;
  }
}
