import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { type LedgerRow, noKey } from '../../../usage/index.ts';
import { key, noon, type Subject, user } from '../subject.ts';
import { batch, row } from '../usage-samples.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const none = { requests: 0, cost: 0 };

export function describeQuotaUse(subject: () => Subject): void {
  it('counts for quotas what was allowed, calls and events, by the UTC day and month, piece after piece', async () => {
    const { store } = subject();
    const [keyId, other] = [randomUUID(), randomUUID()];
    const day = Date.UTC(2028, 1, 29);
    const starts = { day, month: Date.UTC(2028, 1, 1) };
    const at = (minute: number, values: Partial<LedgerRow> = {}) =>
      row({ keyId, minute, cost: 10, ...values });
    const rows = [
      at(starts.month - minuteMs),
      at(starts.month),
      at(day - minuteMs),
      at(day),
      at(day, { status: 1, calls: 5, cost: 50, method: 'eth_getLogs' }),
      at(day, { status: 2, calls: 7, cost: 0 }),
      at(day + dayMs - minuteMs, { event: true, calls: 3, cost: 30, latency: new Uint32Array(0) }),
      at(day + dayMs),
      at(day, { keyId: noKey }),
      at(day - dayMs, { keyId: other, calls: 9 }),
    ];
    await store.apply(batch({ rows }));
    const used = await store.quotaUse(starts);
    expect(used.get(keyId)).toEqual({
      day: { requests: 9, cost: 90 },
      month: { requests: 11, cost: 110 },
      userId: null,
    });
    expect(used.get(other)).toMatchObject({ day: none, month: { requests: 9, cost: 10 } });
    expect(used.has(noKey)).toBe(false);
    await store.apply(batch({ rows: [at(day)] }));
    expect(await store.quotaUse(starts, { keyIds: [keyId, 'x'] })).toEqual(
      new Map([
        [keyId, { day: { requests: 10, cost: 100 }, month: { requests: 12, cost: 120 }, userId: null }],
      ]),
    );
    const march = { day: day + dayMs, month: day + dayMs };
    const one = { requests: 1, cost: 10 };
    expect(await store.quotaUse(march, { keyIds: [keyId] })).toEqual(
      new Map([[keyId, { day: one, month: one, userId: null }]]),
    );
    expect(await store.quotaUse(starts, { keyIds: [] })).toEqual(new Map());
  });

  it('says whose a key is or was, and finds by that, deleted keys too', async () => {
    const { store } = subject();
    const [ada, bob] = [user(), user()];
    const [first, gone] = [key({ userId: ada.id }), key({ userId: ada.id, deletedAt: noon })];
    const [others, nobodys] = [key({ userId: bob.id }), key()];
    for (const one of [ada, bob]) await store.users.insert(one);
    const keys = [first, gone, others, nobodys];
    for (const one of keys) await store.keys.insert(one);
    const day = Date.UTC(2029, 1, 1);
    const starts = { day, month: day };
    await store.apply(
      batch({ rows: keys.map(({ id: keyId }, at) => row({ keyId, minute: day, calls: at + 1, cost: 0 })) }),
    );
    const of = (requests: number) => ({ day: { requests, cost: 0 }, month: { requests, cost: 0 } });
    const hers = new Map([
      [first.id, { ...of(1), userId: ada.id }],
      [gone.id, { ...of(2), userId: ada.id }],
    ]);
    expect(await store.quotaUse(starts, { users: true, userIds: [ada.id] })).toEqual(hers);
    expect(await store.quotaUse(starts, { userIds: [] })).toEqual(new Map());
    const all = await store.quotaUse(starts, { users: true });
    expect(keys.map(({ id }) => all.get(id)?.userId)).toEqual([ada.id, ada.id, bob.id, null]);
  });

  it('is counted once where a piece is applied by several at once, and undone with a piece that fails', async () => {
    const { store } = subject();
    const keyId = randomUUID();
    const starts = { day: Date.UTC(2029, 2, 1), month: Date.UTC(2029, 2, 1) };
    const piece = batch({ rows: [row({ keyId, minute: starts.day, calls: 4 })] });
    await Promise.all([store.apply(piece), store.apply(piece), store.apply(piece)]);
    const raw = [{ keyId: noKey, method: 'm', status: 9, at: noon, count: 1 }];
    await expect(store.apply(batch({ rows: piece.rows, raw }))).rejects.toThrow('no status 9');
    expect((await store.quotaUse(starts, { keyIds: [keyId] })).get(keyId)?.day.requests).toBe(4);
  });

  it('drops days after some days, months once the next is over', async () => {
    const { store, clock } = subject();
    const keyId = randomUUID();
    const now = Date.UTC(2031, 4, 20, 12);
    const days = [0, 3, 6, 45, 80].map((ago) => now - ago * dayMs);
    await store.apply(batch({ rows: days.map((minute) => row({ keyId, minute })) }));
    clock.now = now;
    const [all, kept] = [Infinity, { rawMs: Infinity, eventsMs: Infinity, eventsMax: Infinity }];
    await store.maintain({ ...kept, minutesMs: all, hoursMs: all, daysMs: all });
    const left = async (at: number) => {
      const date = new Date(at);
      const starts = {
        day: Math.floor(at / dayMs) * dayMs,
        month: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1),
      };
      const use = (await store.quotaUse(starts, { keyIds: [keyId] })).get(keyId);
      return [use?.day.requests ?? 0, use?.month.requests ?? 0];
    };
    expect(await Promise.all(days.map(left))).toEqual([
      [1, 3],
      [1, 3],
      [0, 3],
      [0, 1],
      [0, 0],
    ]);
  });
}
