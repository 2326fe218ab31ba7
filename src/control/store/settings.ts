import { join } from 'node:path';
import type { Config } from '../../config/index.ts';
import { configKeyId, uuidText } from '../../identity/index.ts';
import { instanceIdOf } from '../instance-id.ts';
import type { ConfigKeyRow, StoreChange, StoreStart } from './messages.ts';

/** Where journals are, in `server.state_dir`. */
export const journalFolder = (stateDir: string): string => join(stateDir, 'journal');

/** What the store thread needs of a config; null: it keeps no store. */
export function storeStartOf(config: Config, run: string): Omit<StoreStart, 'again'> | null {
  const { store, server } = config;
  // A store without a folder was refused as the config was read.
  if (store.kind === 'none' || server.state_dir === null) return null;
  return {
    store: store.kind === 'sqlite' ? { kind: 'sqlite', folder: server.state_dir } : store,
    journal: { folder: journalFolder(server.state_dir), run },
    // A SQLite folder is one gateway's.
    instance: store.kind === 'sqlite' ? 'gateway' : instanceIdOf(server.state_dir),
    ...storeChangeOf(config),
  };
}

/** What of it a reload may change. */
export function storeChangeOf({ usage, keys, methods, events }: Config): StoreChange {
  return {
    settings: {
      applier: {
        raw: { mode: usage.raw_logs, share: usage.raw_sample },
        keepJournalMs: usage.keep_journal,
      },
      retention: {
        minutesMs: usage.keep_minutes,
        hoursMs: usage.keep_hours,
        daysMs: usage.keep_days,
        rawMs: usage.keep_raw,
        eventsMs: events.keep,
        eventsMax: events.max_rows,
      },
    },
    configKeys: keys.map(
      ({ name, digest, prefix, enabled, expires }): ConfigKeyRow => ({
        id: uuidText(configKeyId(name)),
        sha256: digest,
        ...{ prefix, name, enabled },
        expiresAt: expires === 0 ? null : expires,
      }),
    ),
    groups: Object.keys(methods.groups),
    sinks: events.sinks.map(({ name }) => name),
  };
}
