import { text, wrong } from './fields.ts';

/** Where users, keys and usage are kept. */
export type StoreChoice =
  | { kind: 'sqlite' }
  | { kind: 'none' }
  /** The whole URL, with its password. */
  | { kind: 'postgres'; url: string };

const expected = 'sqlite, none, or a postgres:// URL';

export const storeField = text<StoreChoice | null>({
  type: '`sqlite`, `none` or URL',
  about:
    'Where users, keys, plans and usage are kept: `sqlite` in `server.state_dir`, a PostgreSQL database by its URL (`postgres://user:password@host/database`), or `none`. Default: `sqlite`, or `none` where `server.state_dir` is none. A change needs a restart.',
  expected,
  secret: true,
  default: { written: 'sqlite', value: null },
  parse(written) {
    if (written === 'sqlite' || written === 'none') return { kind: written };
    if (!/^postgres(ql)?:\/\//.test(written)) return undefined;
    let url: URL;
    try {
      url = new URL(written);
    } catch {
      return wrong({ suggestion: 'write special characters of the password as %XX' });
    }
    if (url.pathname.length < 2) return wrong({ suggestion: 'name the database behind the host' });
    return { kind: 'postgres', url: written };
  },
});
