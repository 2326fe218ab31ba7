import { openStore, type Store } from '../../store/index.ts';
import type { StorePlace } from '../store-place.ts';
import { refuseOtherSchema } from './refuse-other-schema.ts';

/**
 * Opens the store for a command, in its own process. An embedded one is migrated; a server's schema is others' too, and is migrated by
 * `polymorph migrate` or a start, never in passing. Rejects with StoreError, or AccountsError where the schema is another program's.
 */
export async function openPlace(
  place: StorePlace,
  {
    asItIs = false,
    onNews,
  }: {
    /** Whatever its schema, it is left so. */
    asItIs?: boolean;
    onNews(message: string): void;
  },
): Promise<Store> {
  const store = await openStore({
    ...(place.kind === 'sqlite' ? { ...place, onNews } : place),
    migrate: !asItIs && place.kind === 'sqlite',
  });
  try {
    if (!asItIs && place.kind === 'postgres') await refuseOtherSchema(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}
