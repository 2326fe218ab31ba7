import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { KeyChange } from '../store.ts';
import { connectionConfig } from './connections.ts';

/** What instances tell each other of keys on: a key's id, or `all`. */
export const keysChannel = 'polymorph_keys';
/** And of bans: a prefix. */
export const bansChannel = 'polymorph_bans';

/** Who is told. */
export interface Hearers {
  keys(change: KeyChange): void;
  bans(prefix: string): void;
}

/** How often it is seen whether the server is there at all, and how long it may take to say so: milliseconds. */
const beat = { every: 5_000, within: 5_000 } as const;
const waitFirstMs = 50;
const waitMostMs = 2_000;

/**
 * Listens on a connection of its own, and on the next one when that ends, until it is closed. Each begins with `all`:
 * what was said before it listened was missed.
 */
export function startListener(url: string, hearers: Hearers): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;

  const listen = async (heard: () => void): Promise<void> => {
    const client = new pg.Client({ ...connectionConfig(url), query_timeout: beat.within });
    const { promise: broken, reject: breaks } = Promise.withResolvers<never>();
    broken.catch(() => {});
    client.on('error', breaks);
    client.on('end', () => breaks(new Error('the connection ended')));
    const stop = () => breaks(new Error('closed'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      client.on('notification', ({ channel, payload = 'all' }) => {
        if (channel === bansChannel) hearers.bans(payload);
        else hearers.keys(payload === 'all' ? 'all' : { keyId: payload });
      });
      await Promise.race([client.connect(), broken]);
      await Promise.race([client.query(`listen ${keysChannel}; listen ${bansChannel}`), broken]);
      heard();
      for (;;) {
        await Promise.race([sleep(beat.every, undefined, { signal }), broken]);
        await Promise.race([client.query('select 1'), broken]);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      // A goodbye may never be answered, and nothing is lost with this connection.
      client.connection.stream.destroy();
    }
  };

  const run = async (): Promise<void> => {
    for (let wait = waitFirstMs; !signal.aborted; wait = Math.min(wait * 2, waitMostMs)) {
      await listen(() => {
        wait = waitFirstMs;
        hearers.keys('all');
        hearers.bans('all');
      }).catch(() => {});
      await sleep(wait, undefined, { signal }).catch(() => {});
    }
  };
  const over = run();
  return {
    async close() {
      closing.abort();
      await over;
    },
  };
}
