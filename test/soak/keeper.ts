import { noKey } from '../../src/usage/index.ts';
import type { StoreGateway } from '../store/gateway.ts';
import type { Caller } from './caller.ts';
import { createStanding, type Standing } from './standing.ts';
import type { Sky } from './sky.ts';

/** Keys of a store that are made, rotated, disabled, enabled and deleted all along. */
export interface Keeper {
  /** One change; with the store or the gateway away it may fail. */
  step(): Promise<void>;
  /** Calls with any key that there is or was. */
  readonly caller: Caller;
  /** Texts of all keys that there ever were. */
  readonly texts: readonly string[];
  /** Changes that were made, and those that were refused with the store away. */
  readonly made: number;
  readonly refused: number;
}

interface StoreKey {
  id: string;
  enabled: boolean;
  texts: string[];
  /** Of the last rotation, in its grace. */
  previous: string | undefined;
}

const KEYS = 5;
/** Of the latest keys only are calls made: those of long ago are refused for ever. */
const RECENT = 24;

/** `gateway`: any of those that are one. */
export function createKeeper(gateway: () => StoreGateway, sky: Sky, random: () => number): Keeper {
  const standings = new Map<string, Standing>();
  const owners = new Map<string, StoreKey>();
  const keys: StoreKey[] = [];
  const recent: string[] = [];
  let [made, refused, rotations, named] = [0, 0, 0, 0];

  /** Whether one of its texts should be served. */
  const isKnown = (key: StoreKey, text: string): boolean =>
    keys.includes(key) && key.enabled && (text === key.texts.at(-1) || text === key.previous);

  function add(key: StoreKey, text: string): void {
    standings.set(text, createStanding(sky, false));
    owners.set(text, key);
    key.texts.push(text);
    recent.push(text);
    if (recent.length > RECENT) recent.shift();
  }

  async function change(work: () => Promise<void>, key: StoreKey): Promise<void> {
    const fromMs = performance.now();
    const ends = new Map(key.texts.map((text) => [text, standings.get(text)!.begin()]));
    try {
      await work();
      made += 1;
      for (const text of key.texts) (ends.get(text) ?? standings.get(text)!.begin())(isKnown(key, text));
    } catch {
      // Nobody knows what came of it.
      refused += 1;
      for (const text of key.texts) standings.get(text)!.blur(fromMs);
      if (keys.includes(key)) keys.splice(keys.indexOf(key), 1);
    }
  }

  async function step(): Promise<void> {
    if (keys.length < KEYS) {
      const key: StoreKey = { id: '', enabled: true, texts: [], previous: undefined };
      return change(async () => {
        named += 1;
        const made = await gateway().createKey({ name: `kept-${named}` });
        key.id = made.id;
        keys.push(key);
        add(key, made.key);
      }, key);
    }
    const key = keys[Math.floor(random() * keys.length)]!;
    const chance = random();
    return change(async () => {
      if (!key.enabled) {
        await gateway().operate('keys.enable', { key: key.id });
        key.enabled = true;
      } else if (chance < 0.4) {
        // Long enough for a clock that is hours off.
        const grace = (rotations += 1) % 2 === 0 ? 'none' : '7d';
        const { key: text } = await gateway().operate('keys.rotate', { key: key.id, grace });
        key.previous = grace === 'none' ? undefined : key.texts.at(-1);
        add(key, text);
      } else if (chance < 0.75) {
        await gateway().operate('keys.disable', { key: key.id });
        key.enabled = false;
      } else {
        await gateway().operate('keys.delete', { key: key.id });
        keys.splice(keys.indexOf(key), 1);
      }
    }, key);
  }

  return {
    step,
    get texts() {
      return [...owners.keys()];
    },
    get made() {
      return made;
    },
    get refused() {
      return refused;
    },
    caller: {
      name: 'kept',
      key: () => recent[Math.floor(random() * recent.length)],
      keyId: (text) => (text === undefined ? noKey : owners.get(text)!.id),
      standing: (text, fromMs, toMs) =>
        text === undefined ? 'known' : standings.get(text)!.during(fromMs, toMs),
    },
  };
}
