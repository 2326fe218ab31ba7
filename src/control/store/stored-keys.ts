import { setImmediate as turn } from 'node:timers/promises';
import { createStoredTerms, type StoredKey } from '../../config/index.ts';
import type { Logger } from '../logs.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import { createSingleFlight } from '../single-flight.ts';
import { type PackedKeys, unpackKeys } from './packed-keys.ts';

/** Keys of the store on their way into the policy. */
export interface StoredKeys {
  /** What holds of a key now; null: it is gone. Acts on all workers within milliseconds. */
  change(id: string, key: PackedKeys | null): void;
  /**
   * All keys there are, piece by piece: those in none of them are gone. Only what is another than before is looked at.
   * Each acts as soon as its piece is there, all when this resolves. Where reading fails half-way nothing is taken for gone.
   * `expected`: about how many there are, so that there is room for them at once.
   */
  replace(pieces: AsyncIterable<PackedKeys>, expected: number): Promise<{ keys: number }>;
}

export interface StoredKeysOptions {
  policy: Pick<PolicyKeeper, 'stored' | 'renew' | 'applied'>;
  /** Hands the present policy to all workers; resolves when they use it. */
  apply(): Promise<{ late: readonly number[] }>;
  /** Entries of the index changed. */
  changed(): void;
  logger: Pick<Logger, 'warn' | 'error'>;
  wallMs(): number;
}

type SettleResult = ReturnType<PolicyKeeper['stored']['settle']>;

/** Keys that main sees to before it turns to other things. */
const KEYS_A_TURN = 1000;

export function createStoredKeys({ policy, apply, changed, logger, wallMs }: StoredKeysOptions): StoredKeys {
  const { stored } = policy;
  const termsOf = createStoredTerms();
  /** Keys that changed while all are read: a piece may have them as they were before. */
  let changedSince: Set<string> | undefined;

  const say = ({ refused, hidden }: SettleResult) => {
    const byReason = Map.groupBy(refused, ({ reason }) => reason);
    for (const [reason, keys] of byReason)
      logger.error(
        named(keys.map(({ key }) => key)),
        `${count(keys)} of the store ${is(keys)} refused: ${reason}`,
      );
    if (hidden.length > 0)
      logger.warn(
        named(hidden),
        `${count(hidden)} of the store ${is(hidden)} in the config, too: the config holds`,
      );
  };

  const write = (keys: readonly string[]) => {
    const result = stored.settle(wallMs(), keys);
    say(result);
    return result.settled;
  };

  /** What waits is written, some at a time; room for it, where that is due, is there first. */
  const settle = createSingleFlight(async () => {
    while (stored.waiting > 0 || stored.due) {
      if (stored.due) {
        const { generation } = policy.renew();
        const { late } = await apply();
        policy.applied(generation, late.length === 0);
      }
      const keys = stored.next(KEYS_A_TURN);
      if (keys.length > 0 && write(keys) === 0) {
        logger.error({ keys: stored.waiting }, 'keys of the store could not be taken over');
        break;
      }
      await turn();
    }
  });
  const settleSoon = () => {
    settle().then(changed, (error: unknown) =>
      logger.error({ err: error }, 'keys of the store could not be taken over'),
    );
  };

  const unpack = (piece: PackedKeys) =>
    unpackKeys(piece, termsOf, (id) =>
      logger.error(
        { keyId: id },
        'a key of the store has no hash or prefix that could be one: it is refused',
      ),
    );

  return {
    change(id, key) {
      changedSince?.add(id);
      const [present = null] = key === null ? [] : unpack(key);
      if (!stored.want(id, present)) return;
      // Now, and not when a worker that is late with an earlier change has taken that over.
      if (write([id]) > 0) changed();
      if (stored.waiting > 0 || stored.due) settleSoon();
    },
    async replace(pieces, expected) {
      const seen = new Set<string>();
      const since = (changedSince = new Set());
      stored.reserve(expected);
      try {
        for await (const piece of pieces) {
          for (const key of unpack(piece)) {
            seen.add(key.id);
            if (!since.has(key.id)) stored.want(key.id, key);
          }
          await settle();
        }
      } finally {
        changedSince = undefined;
      }
      for (const id of stored.storedIds()) if (!seen.has(id) && !since.has(id)) stored.want(id, null);
      await settle();
      changed();
      return { keys: seen.size };
    },
  };
}

/** Keys that one line names. */
const NAMED_MAX = 10;

function named(keys: readonly StoredKey[]): object {
  const some = keys.slice(0, NAMED_MAX);
  return {
    keys: some.map(({ prefix, name }) => `${prefix} ${name}`),
    more: keys.length - some.length || undefined,
  };
}

function count({ length }: { length: number }): string {
  return length === 1 ? 'a key' : `${length} keys`;
}

function is({ length }: { length: number }): string {
  return length === 1 ? 'is' : 'are';
}
