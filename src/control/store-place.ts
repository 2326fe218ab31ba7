import { join } from 'node:path';
import type { Config } from '../config/index.ts';

/** Where a config keeps users, keys and usage; null: nowhere. `folder` holds the embedded store and its lock. */
export type StorePlace = { kind: 'sqlite'; folder: string } | { kind: 'postgres'; url: string };

export function storePlaceOf({ store, server }: Config): StorePlace | null {
  if (store.kind === 'postgres') return { kind: 'postgres', url: store.url };
  if (store.kind === 'none' || server.state_dir === null) return null;
  return { kind: 'sqlite', folder: server.state_dir };
}

/** The folder of the workers' journals; null where usage is not kept. */
export function journalFolderOf({ store, server }: Config): string | null {
  return store.kind === 'none' || server.state_dir === null ? null : join(server.state_dir, 'journal');
}
