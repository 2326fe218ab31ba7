import type { Config } from '../../config/index.ts';
import { configKeyId, uuidText } from '../../identity/index.ts';
import { instanceIdOf } from '../instance-id.ts';
import { journalFolderOf, storePlaceOf } from '../store-place.ts';
import type { ConfigKeyRow, StoreChange, StoreStart } from './messages.ts';

/** What the store thread needs of a config; null: it keeps no store. */
export function storeStartOf(config: Config, run: string): StoreStart | null {
  const place = storePlaceOf(config);
  const folder = journalFolderOf(config);
  // A store without a folder was refused as the config was read.
  if (place === null || folder === null) return null;
  return {
    store: place,
    journal: { folder, run },
    // A SQLite folder is one gateway's.
    instance: place.kind === 'sqlite' ? 'gateway' : instanceIdOf(config.server.state_dir),
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
