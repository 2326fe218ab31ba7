import { rollupUnits } from '../ledger/rollup-rows.ts';
import type { Connections } from './connections.ts';
import { schemaLock } from './migrate.ts';
import { retried } from './retry.ts';

const day = rollupUnits.day;
/** Days that are made before they begin. */
const daysAhead = 2;

/** The days of `usage_logs`: a partition each, named `usage_logs_20261128`. */
export interface Partitions {
  /** Makes the days of these times (epoch milliseconds) where they are missing. */
  ensure(times: readonly number[]): Promise<void>;
  /** Drops the days that are over by `before`, and makes the next ones. */
  maintain(now: number, before: number): Promise<void>;
  /** Asks the database anew which there are. */
  forget(): void;
}

export function createPartitions(connections: Connections): Partitions {
  const known = new Set<number>();

  /** One at a time in the whole database. */
  const exclusively = (work: (run: (text: string) => Promise<unknown[]>) => Promise<void>): Promise<void> =>
    retried(() =>
      connections.use(async (client) => {
        const run = async (text: string) => (await client.query(text, [])).rows;
        await run('begin');
        try {
          await run(`select pg_advisory_xact_lock(${schemaLock})`);
          await work(run);
          await run('commit');
        } catch (error) {
          await run('rollback').catch(() => {});
          throw error;
        }
      }),
    );

  const ensure = async (times: readonly number[]): Promise<void> => {
    const missing = [...new Set(times.map((at) => Math.floor(at / day) * day))].filter(
      (at) => !known.has(at),
    );
    if (missing.length === 0) return;
    await exclusively(async (run) => {
      for (const at of missing) {
        const name = nameOf(at);
        const [found] = await run(`select to_regclass('${name}') is not null as there`);
        if ((found as { there: boolean }).there) continue;
        // Attached, not made as a partition: that would wait for everyone who reads or writes the table.
        await run(`create table ${name} (like usage_logs including defaults including constraints)`);
        const [from, to] = [at, at + day].map((ms) => new Date(ms).toISOString());
        await run(`alter table usage_logs attach partition ${name} for values from ('${from}') to ('${to}')`);
      }
    });
    for (const at of missing) known.add(at);
  };

  return {
    ensure,
    forget: () => known.clear(),
    async maintain(now, before) {
      if (before > -Infinity)
        await exclusively(async (run) => {
          const partitions = await run(
            `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
             where i.inhparent = 'usage_logs'::regclass`,
          );
          for (const { name } of partitions as { name: string }[]) {
            const at = dayOf(name);
            if (at === undefined || at + day > before) continue;
            await run(`drop table ${name}`);
            known.delete(at);
          }
        });
      if (before < now) await ensure(Array.from({ length: daysAhead + 1 }, (_, ahead) => now + ahead * day));
    },
  };
}

function nameOf(at: number): string {
  return `usage_logs_${new Date(at).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

function dayOf(name: string): number | undefined {
  const [, year, month, date] = /^usage_logs_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return year === undefined ? undefined : Date.UTC(Number(year), Number(month) - 1, Number(date));
}
