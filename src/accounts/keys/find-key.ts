import { nearestName } from '../../config/index.ts';
import { isKeyText, parseApiKey } from '../../identity/index.ts';
import { isUuid, type KeyRow, type Tables } from '../../store/index.ts';
import { AccountsError } from '../error.ts';

/** Keys looked through for a name that was meant. */
const SUGGESTED_FROM = 1000;

/**
 * The key, not deleted, of an id, prefix or name; of a whole key its prefix is taken. Throws `not_found` with the nearest name,
 * or `ambiguous` with the prefixes that tell them apart.
 */
export async function findKey(tables: Tables, written: string): Promise<KeyRow> {
  const ref = parseApiKey(written)?.prefix ?? written;
  const [key, ...others] = await tables.keys.find(ref);
  if (key === undefined) throw await notFound(tables, ref);
  if (others.length === 0) return key;
  const found = [key, ...others].map(({ prefix, name }) => `${prefix} (${name})`);
  throw new AccountsError(
    'ambiguous',
    `${found.length} keys are called ${ref}: say which by its prefix or id: ${found.slice(0, 20).join(', ')}`,
  );
}

/** The same of a key that the store owns: those of the config are changed there. */
export async function findStoreKey(tables: Tables, ref: string): Promise<KeyRow> {
  const key = await findKey(tables, ref);
  if (key.source === 'store') return key;
  throw new AccountsError(
    'refused',
    `Key ${key.name} stands in the config file: change it there, under keys`,
  );
}

async function notFound(tables: Tables, ref: string): Promise<AccountsError> {
  if (ref.startsWith('pp_live_'))
    return new AccountsError('not_found', 'That is no whole key: name it by its name, prefix or id');
  const keys = await tables.keys.list({ limit: SUGGESTED_FROM });
  const near = nearestName(ref, [...keys.map(({ name }) => name), ...keys.map(({ prefix }) => prefix)]);
  const hint = near === undefined ? 'see polymorph keys list' : `did you mean ${near}?`;
  // A key of the operator's own making looks like any long name, and shall be in no message.
  const shown = isKeyText(ref) && !isUuid(ref) ? `${ref.slice(0, 4)}…` : ref;
  return new AccountsError('not_found', `There is no key ${shown} (${hint})`);
}
