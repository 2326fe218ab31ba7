import type { Database } from '../database.ts';
import type { IssuedEntry, IssuedLog } from './issued-log.ts';

/**
 * Makes the database know what was issued by it before it was restored: numbers of invoices go on after the last one, and keys
 * that had ended stay so. Says what it did, for the operator; nothing, where nothing was restored. Throws what SQLite does.
 */
export function carryOver(database: Database, log: IssuedLog, now: number): string[] {
  return database.transaction(() => [...keepNumbers(database, log), ...keepEnds(database, log, now)])();
}

function keepNumbers(database: Database, { invoices }: IssuedLog): string[] {
  const last = new Map<number, number>();
  for (const { invoice } of invoices) {
    const [year, number] = placeOf(invoice);
    last.set(year, Math.max(number, last.get(year) ?? 0));
  }
  const raise = database.prepare(`
    insert into invoice_numbers (year, last) values (?, ?)
    on conflict (year) do update set last = excluded.last where last < excluded.last`);
  const raised = [...last].filter(([year, number]) => raise.run(year, number).changes > 0);
  if (raised.length === 0) return [];
  const known = database.prepare('select 1 from invoices where number = ?');
  const gone = invoices.filter(({ invoice }) => known.get(invoice) === undefined);
  const names = gone.slice(0, 20).map(({ invoice, user, month }) => `${invoice} (${month}, user ${user})`);
  return [
    `invoices were issued that this store does not hold, it was restored from before: ${names.join(', ')}` +
      `${gone.length > names.length ? ` and ${gone.length - names.length} more` : ''}; numbers go on after them`,
  ];
}

function placeOf(invoice: string): [year: number, number: number] {
  const [year = 0, number = 0] = invoice.split('-').map(Number);
  return [year, number];
}

interface LiveKey {
  id: string;
  key_prefix: string;
  key_hash: string;
  expires_at: number | null;
  previous_hash: string | null;
  previous_until: number | null;
}

function keepEnds(database: Database, { ended }: IssuedLog, now: number): string[] {
  if (ended.size === 0) return [];
  // One pass over the keys: asked for one by one, 100,000 ends took 2 s of each start, this 0.6.
  const live = database
    .prepare<[], LiveKey>(`
    select id, key_prefix, key_hash, expires_at, previous_hash, previous_until from api_keys
    where source = 'store' and deleted_at is null and enabled = 1`)
    .all();
  const late = live.filter((key) => isLate(ended.get(key.key_hash), key.expires_at));
  const lateOfRotation = live.filter((key) => isLate(ended.get(key.previous_hash ?? ''), key.previous_until));
  const disable = database.prepare('update api_keys set enabled = 0 where id = ?');
  const expire = database.prepare('update api_keys set expires_at = ? where id = ?');
  const forget = database.prepare('update api_keys set previous_until = ? where id = ?');
  for (const { id, key_hash: hash } of late) {
    const until = ended.get(hash) ?? now;
    if (until <= now) disable.run(id);
    else expire.run(until, id);
  }
  for (const { id, previous_hash: hash } of lateOfRotation) forget.run(ended.get(hash ?? '') ?? now, id);
  const prefixes = [...new Set([...late, ...lateOfRotation].map(({ key_prefix: prefix }) => prefix))];
  if (prefixes.length === 0) return [];
  const names = prefixes.slice(0, 20).join(', ');
  const more = prefixes.length > 20 ? ` and ${prefixes.length - 20} more` : '';
  return [`keys had ended that this store still took, it was restored from before: ${names}${more}`];
}

function isLate(until: number | undefined, end: number | null): boolean {
  return until !== undefined && (end === null || end > until);
}

/** What the log lacks, as after a kill between a commit and its line. Throws what SQLite does. */
export function missingIn(database: Database, { invoices, ended }: IssuedLog, now: number): IssuedEntry[] {
  const [year, number] = invoices
    .map(({ invoice }) => placeOf(invoice))
    .reduce((most, place) => ((place[0] - most[0] || place[1] - most[1]) > 0 ? place : most), [0, 0]);
  // Not as text: the millionth of a year has a digit more than those before it.
  const issued = database
    .prepare<[string, number, number], { number: string; user_id: string; month: string }>(`
    select number, user_id, month, cast(substr(number, 1, 4) as integer) as year, cast(substr(number, 6) as integer) as place
    from invoices where number >= ? and (year, place) > (?, ?) order by year, place`)
    .all(`${year}-`, year, number);
  const refused = database
    .prepare<[], { key_hash: string }>(`
    select key_hash from api_keys where source = 'store' and (enabled = 0 or deleted_at is not null)`)
    .all();
  return [
    ...issued.map(({ number, user_id: user, month }) => ({ invoice: number, user, month })),
    ...refused.flatMap(({ key_hash: key }) => (ended.has(key) ? [] : [{ key, until: now }])),
  ];
}
