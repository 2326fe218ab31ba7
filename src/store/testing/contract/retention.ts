import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { noKey } from '../../../usage/index.ts';
import { noon, type Subject } from '../subject.ts';
import { batch, row } from '../usage-samples.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const forever = {
  minutesMs: Infinity,
  hoursMs: Infinity,
  daysMs: Infinity,
  rawMs: Infinity,
  eventsMs: Infinity,
  eventsMax: Infinity,
};

export function describeRetention(subject: () => Subject): void {
  it('drops of each rollup what is older, and nothing where all is kept', async () => {
    const { store, clock } = subject();
    const keyIds = [randomUUID()];
    const ages = [0, 90 * minute, 3 * hour, 30 * hour, 3 * day, 40 * day, 400 * day];
    await store.apply(batch({ rows: ages.map((age) => row({ keyId: keyIds[0]!, minute: noon - age })) }));
    const left = async () => ({
      minutes: (await store.usage({ keyIds }, ['minute'])).length,
      hours: (await store.usage({ keyIds }, ['hour'])).length,
      days: (await store.usage({ keyIds }, ['day'])).length,
    });
    clock.now = noon + 30_000;
    await store.maintain(forever);
    // Three of the ages are in one day.
    expect(await left()).toEqual({ minutes: 7, hours: 7, days: 5 });

    await store.maintain({ ...forever, minutesMs: 2 * hour });
    expect(await left()).toEqual({ minutes: 2, hours: 7, days: 5 });
    await store.maintain({ ...forever, minutesMs: 2 * hour, hoursMs: 35 * day, daysMs: 365 * day });
    expect(await left()).toEqual({ minutes: 2, hours: 5, days: 4 });
    expect(await store.usage({ keyIds }, []), 'sums are of days').toMatchObject([{ calls: 6 }]);
  });

  it('keeps what an hour or a day still needs', async () => {
    const { store, clock } = subject();
    const keyIds = [randomUUID()];
    const midnight = Date.UTC(2026, 10, 28);
    await store.apply(batch({ rows: [row({ keyId: keyIds[0]!, minute: midnight })] }));
    clock.now = noon + 59 * minute;
    await store.maintain({ ...forever, hoursMs: 12 * hour, daysMs: 2 * hour });
    expect(await store.usage({ keyIds }, ['hour'])).toHaveLength(1);
    expect(await store.usage({ keyIds }, ['day'])).toHaveLength(1);
    clock.now = noon + 60 * minute;
    await store.maintain({ ...forever, hoursMs: 12 * hour, daysMs: 2 * hour });
    expect(await store.usage({ keyIds }, ['hour'])).toHaveLength(0);
    expect(await store.usage({ keyIds }, ['day'])).toHaveLength(1);
  });

  it('drops raw usage by its age, and takes more of a day that was dropped', async () => {
    const { store, clock, countLogs } = subject();
    const log = (at: number) => ({ keyId: noKey, method: 'm', status: 0, at, count: 1 });
    await store.apply(batch({ raw: [log(noon), log(noon - day), log(noon - 10 * day)] }));
    clock.now = noon;
    await store.maintain(forever);
    expect(await countLogs(null)).toBe(3);
    await store.maintain({ ...forever, rawMs: 5 * day });
    expect(await countLogs(null)).toBe(2);
    await store.apply(batch({ raw: [log(noon - 10 * day)] }));
    expect(await countLogs(null)).toBe(3);
    await store.maintain({ ...forever, rawMs: 5 * day });
    expect(await countLogs(null)).toBe(2);
  });

  it('deletes what is much in pieces, and lets other work go on between them', async () => {
    const { store, clock } = subject();
    const rows = Array.from({ length: 9000 }, (_, nth) =>
      row({ minute: noon - 3 * day, method: `m${nth}`, keyId: noKey }),
    );
    await store.apply(batch({ rows }));
    clock.now = noon;
    let turns = 0;
    const heart = setInterval(() => (turns += 1), 1);
    await store.maintain({ ...forever, minutesMs: day });
    clearInterval(heart);
    expect(turns).toBeGreaterThan(1);
    const from = noon - 3 * day;
    expect(await store.usage({ from, to: from + minute }, ['minute'])).toEqual([]);
    expect(await store.usage({ from: from - hour, to: from + hour }, ['hour'])).toMatchObject([
      { calls: 9000 },
    ]);
  });

  it('may run in two instances at once', async () => {
    const { store, another, clock } = subject();
    clock.now = noon;
    const stores = [store, ...(another === null ? [] : [await another(), await another()])];
    await Promise.all(stores.map((each) => each.maintain({ ...forever, minutesMs: hour, rawMs: day })));
    for (const other of stores.slice(1)) await other.close();
  });
}
