import { wrong } from './fields.ts';

/** What a `redis://` or `rediss://` URL says. */
export interface RedisUrl {
  tls: boolean;
  /** Without brackets. */
  host: string;
  port: number;
  username: string | null;
  password: string | null;
  /** null: it names none. */
  db: number | null;
}

const DEFAULT_PORT = 6379;

/** undefined if it is no such URL. */
export function parseRedisUrl(written: string): RedisUrl | ReturnType<typeof wrong> | undefined {
  if (!/^rediss?:\/\/[^/\s]/.test(written) || /[\s\p{Cc}]/u.test(written)) return undefined;
  if (!URL.canParse(written)) return wrong({ suggestion: 'write special characters of the password as %XX' });
  const url = new URL(written);
  const db = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (db === undefined || url.hash !== '' || url.hostname === '') return undefined;
  if (url.search !== '') return wrong({ suggestion: 'without what follows the ?' });
  if (url.port === '0') return undefined;
  try {
    return {
      tls: url.protocol === 'rediss:',
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? DEFAULT_PORT : Number(url.port),
      username: url.username === '' ? null : decodeURIComponent(url.username),
      password: url.password === '' ? null : decodeURIComponent(url.password),
      db: db === '' ? null : Number(db),
    };
  } catch {
    return wrong({ suggestion: 'write % of the password as %25' });
  }
}
