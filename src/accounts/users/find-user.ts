import { nearestName } from '../../config/index.ts';
import type { Tables, UserRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';

/** Users looked through for a name that was meant. */
const SUGGESTED_FROM = 1000;

/** The user of an id or e-mail, deleted ones by id too. Throws `not_found` with the nearest e-mail. */
export async function findAnyUser(tables: Tables, ref: string): Promise<UserRow> {
  const user = await tables.users.find(ref);
  if (user !== null) return user;
  const users = await tables.users.list({ limit: SUGGESTED_FROM });
  const near = nearestName(
    ref,
    users.map(({ email }) => email),
  );
  const hint =
    near === undefined
      ? 'polymorph users create makes one, polymorph users list shows them'
      : `did you mean ${near}?`;
  throw new AccountsError('not_found', `There is no user ${ref} (${hint})`);
}

/** The same of users that are not deleted. */
export async function findUser(tables: Tables, ref: string): Promise<UserRow> {
  const user = await findAnyUser(tables, ref);
  if (user.deletedAt === null) return user;
  throw new AccountsError(
    'refused',
    `User ${user.email} was deleted: make a new one with polymorph users create`,
  );
}
