import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LATENCY_BUCKETS, type LedgerRow } from '../../../usage/index.ts';
import { key, noon, type Subject, user } from '../subject.ts';
import { sumUsage } from '../sum-usage.ts';
import { batch, row } from '../usage-samples.ts';

const minuteMs = 60_000;
const runs = process.env.POLYMORPH_TEST_LONG === '1' ? 400 : 40;

/** Moments at which calendars err: a month's and a year's end, a leap day, and both changes to and from summer time. */
const moments = [
  Date.UTC(2026, 10, 30, 23, 50),
  Date.UTC(2026, 11, 31, 23, 50),
  Date.UTC(2024, 1, 28, 23, 50),
  Date.UTC(2024, 1, 29, 23, 50),
  Date.UTC(2026, 2, 29, 0, 50),
  Date.UTC(2026, 9, 25, 0, 50),
];
const minutes = fc
  .tuple(fc.constantFrom(...moments), fc.oneof(fc.nat(20), fc.nat(3000)))
  .map(([moment, after]) => moment + after * minuteMs);
const bound = fc.option(
  fc.tuple(minutes, fc.constantFrom(0, 0, 1, 30_000)).map(([minute, off]) => minute + off),
  { nil: undefined },
);
const usageRow = fc.record({
  minute: minutes,
  network: fc.constantFrom('', 'mainnet', 'Ärger'),
  method: fc.constantFrom('eth_call', 'eth_getLogs', 'Z'),
  status: fc.nat(2),
  event: fc.boolean(),
  calls: fc.nat(1000),
  cost: fc.nat(2 ** 40),
  errors: fc.nat(10),
  bytesIn: fc.nat(2 ** 40),
  bytesOut: fc.nat(2 ** 40),
  latencyMicros: fc.nat(2 ** 40),
  latency: fc.oneof(
    fc.constant(new Uint32Array(0)),
    fc
      .array(fc.nat(0xffff_ffff), { minLength: LATENCY_BUCKETS, maxLength: LATENCY_BUCKETS })
      .map((counts) => Uint32Array.from(counts)),
  ),
});

export function describeUsage(subject: () => Subject): void {
  it('sums as memory does, whatever the time and the grouping', async () => {
    const { store } = subject();
    const groupings = ['minute', 'hour', 'day', 'key', 'network', 'method', 'status'] as const;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(2), fc.array(usageRow, { maxLength: 12 })), { maxLength: 5 }),
      fc.array(fc.tuple(bound, bound, fc.subarray([...groupings])), { minLength: 1, maxLength: 6 }),
      async (pieces, questions) => {
        const keyIds = [randomUUID(), randomUUID(), randomUUID()];
        const all: LedgerRow[] = [];
        for (const [whose, rows] of pieces) {
          const of = rows.map((one, nth) => ({ ...one, keyId: keyIds[(whose + nth) % 3]! }));
          all.push(...of);
          await store.apply(batch({ rows: of }));
        }
        for (const [from, to, by] of questions) {
          const filter = { keyIds, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
          expect(await store.usage(filter, by)).toEqual(sumUsage(all, { from, to }, by));
        }
      },
    );
    await fc.assert(property, { numRuns: runs });
  });

  it('gives one part of the lines after the other, in the order of their bytes', async () => {
    const { store } = subject();
    const keyIds = Array.from({ length: 3 }, () => randomUUID());
    const names = ['', 'a', 'Z', '\ue000', '\u{1f9ee}', 'ü'];
    const rows = keyIds.flatMap((keyId) =>
      names.flatMap((method) => [0, 2].map((status) => row({ keyId, method, status, network: method }))),
    );
    await store.apply(batch({ rows }));
    const by = ['key', 'network', 'method', 'status'] as const;
    const whole = await store.usage({ keyIds, from: 0 }, by);
    expect(whole).toHaveLength(rows.length);
    for (const size of [1, 5, 100]) {
      const parts: typeof whole = [];
      for (;;) {
        const last = parts.at(-1);
        const after =
          last === undefined
            ? undefined
            : {
                ...{ keyId: last.keyId!, network: last.network! },
                ...{ method: last.method!, status: last.status! },
              };
        const part = await store.usage({ keyIds, from: 0, ...(after && { after }) }, by, size);
        parts.push(...part);
        if (part.length < size) break;
      }
      expect(parts).toEqual(whole);
    }
  });

  it('tells of a user what all keys of theirs used, deleted ones too', async () => {
    const { store } = subject();
    const owner = user();
    await store.users.insert(owner);
    const [one, two, other] = [key({ userId: owner.id }), key({ userId: owner.id, deletedAt: noon }), key()];
    for (const each of [one, two, other]) await store.keys.insert(each);
    await store.apply(batch({ rows: [one, two, other].map(({ id }) => row({ keyId: id })) }));
    expect(await store.usage({ userId: owner.id }, [])).toMatchObject([{ calls: 2 }]);
    expect(await store.usage({ userId: owner.id, keyIds: [two.id, other.id] }, ['key'])).toMatchObject([
      { keyId: two.id, calls: 1 },
    ]);
    for (const nobody of [{ userId: randomUUID() }, { userId: 'x' }, { keyIds: [] }, { keyIds: ['x'] }])
      expect(await store.usage(nobody, [])).toEqual([]);
  });
}
