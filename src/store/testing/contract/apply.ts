import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { noKey } from '../../../usage/index.ts';
import { key, noon, type Subject } from '../subject.ts';
import { batch, row } from '../usage-samples.ts';

export function describeApply(subject: () => Subject): void {
  const callsOf = async (keyId: string): Promise<number> =>
    (await subject().store.usage({ keyIds: [keyId] }, []))[0]?.calls ?? 0;

  it('applies a piece once, and says so', async () => {
    const { store } = subject();
    const keyId = randomUUID();
    const piece = batch({ rows: [row({ keyId, calls: 3 })] });
    expect(await store.segments([piece.segment, 'never seen'])).toEqual(new Map());
    expect(await store.apply(piece)).toBe(true);
    expect(await store.apply(piece)).toBe(false);
    expect(await callsOf(keyId)).toBe(3);
    expect(await store.segments([piece.segment])).toEqual(
      new Map([[piece.segment, { offset: 100, closed: false, appliedAt: expect.any(Number) }]]),
    );
  });

  it('takes pieces in their order only, and opens a closed segment again that has more', async () => {
    const { store } = subject();
    const keyId = randomUUID();
    const piece = (from: number, to: number, closed = false) =>
      batch({ segment: `order ${keyId}`, from, to, closed, rows: [row({ keyId })] });
    expect(await store.apply(piece(50, 100)), 'never begun').toBe(false);
    expect(await store.apply(piece(0, 50))).toBe(true);
    for (const wrong of [piece(0, 50), piece(0, 100), piece(40, 100), piece(60, 100)])
      expect(await store.apply(wrong)).toBe(false);
    expect(await store.apply(piece(50, 100, true))).toBe(true);
    const state = async () => (await store.segments([`order ${keyId}`])).get(`order ${keyId}`);
    expect(await state()).toEqual({ offset: 100, closed: true, appliedAt: expect.any(Number) });
    for (const wrong of [piece(0, 50), piece(50, 100, true)]) expect(await store.apply(wrong)).toBe(false);
    // Its process was thought dead, and was not.
    expect(await store.apply(piece(100, 150))).toBe(true);
    expect(await state()).toMatchObject({ offset: 150, closed: false });
    expect(await store.apply(piece(150, 160, true))).toBe(true);
    expect(await callsOf(keyId)).toBe(4);
    expect(await state()).toMatchObject({ offset: 160, closed: true });
  });

  it('closes a segment in which nothing more was, even nothing at all', async () => {
    const { store } = subject();
    for (const to of [0, 20]) {
      const { segment } = batch();
      if (to > 0) await store.apply(batch({ segment, to }));
      expect(await store.apply(batch({ segment, from: to, to, closed: true }))).toBe(true);
      expect(await store.apply(batch({ segment, from: to, to, closed: true }))).toBe(false);
      expect(await store.segments([segment])).toEqual(
        new Map([[segment, { offset: to, closed: true, appliedAt: expect.any(Number) }]]),
      );
      expect(await store.apply(batch({ segment, from: to, to: to + 5 })), 'it has more').toBe(true);
      expect((await store.segments([segment])).get(segment)).toMatchObject({ offset: to + 5, closed: false });
    }
  });

  it('refuses pieces whose offset could not tell that they were applied', async () => {
    const { store } = subject();
    const nonsense = [
      batch({ from: 5, to: 5, rows: [row()] }),
      batch({ from: 5, to: 4 }),
      batch({ from: -1 }),
      batch({ to: 0.5 }),
    ];
    for (const piece of nonsense) await expect(store.apply(piece)).rejects.toThrow(RangeError);
  });

  it('applies a piece once when many try at the same time, here and in another instance', async () => {
    const { store, another } = subject();
    const stores = [store, ...(another === null ? [] : [await another(), await another()])];
    const keyIds = Array.from({ length: 20 }, () => randomUUID());
    for (const [from, to] of [
      [0, 10],
      [10, 20],
    ] as const) {
      const piece = batch({ segment: keyIds[0]!, from, to, rows: keyIds.map((keyId) => row({ keyId })) });
      const tries = Array.from({ length: 12 }, (_, nth) => stores[nth % stores.length]!.apply(piece));
      expect((await Promise.all(tries)).filter(Boolean)).toEqual([true]);
    }
    for (const keyId of keyIds) expect(await callsOf(keyId)).toBe(2);
    for (const other of stores.slice(1)) await other.close();
  });

  it('adds up what many segments say of the same keys at the same time', async () => {
    const { store, another } = subject();
    const stores = [store, ...(another === null ? [] : [await another(), await another()])];
    const keyIds = Array.from({ length: 50 }, () => randomUUID());
    const tries = Array.from({ length: 30 }, (_, nth) => {
      const rows = keyIds.map((keyId) => row({ keyId, calls: 2 }));
      // Each in an order of its own: whoever took locks as they come would wait for each other for ever.
      if (nth % 2 === 1) rows.reverse();
      return stores[nth % stores.length]!.apply(
        batch({ rows, lastUsed: new Map(keyIds.map((id) => [id, noon])) }),
      );
    });
    expect((await Promise.all(tries)).every(Boolean)).toBe(true);
    for (const keyId of keyIds) expect(await callsOf(keyId)).toBe(60);
    for (const other of stores.slice(1)) await other.close();
  });

  it('applies nothing of a piece that fails', async () => {
    const { store } = subject();
    const keyId = randomUUID();
    const { segment } = batch();
    const rows = [row({ keyId }), row({ keyId, minute: Number.NaN })];
    await expect(store.apply(batch({ segment, rows }))).rejects.toThrow();
    expect(await callsOf(keyId)).toBe(0);
    expect(await store.segments([segment])).toEqual(new Map());
  });

  it('takes whatever a caller names a method, cut to 50 characters', async () => {
    const { store } = subject();
    const keyId = randomUUID();
    const names = [
      '',
      'a\0b',
      '\ud800x',
      'x\udfff',
      '🧮'.repeat(50),
      '🧮'.repeat(51),
      'y'.repeat(51),
      'y'.repeat(70),
    ];
    const rows = [...names, "';--", '{"a"}', '\\N', 'NULL', '"'].map((method) => row({ keyId, method }));
    expect(
      await store.apply(
        batch({ rows, raw: rows.map(({ method }) => ({ keyId, method, status: 0, at: noon, count: 1 })) }),
      ),
    ).toBe(true);
    const lines = await store.usage({ keyIds: [keyId] }, ['method']);
    expect(Object.fromEntries(lines.map(({ method, calls }) => [method, calls]))).toEqual({
      '': 1,
      'a\ufffdb': 1,
      '\ufffdx': 1,
      'x\ufffd': 1,
      ['🧮'.repeat(50)]: 1,
      [`${'🧮'.repeat(49)}…`]: 1,
      [`${'y'.repeat(49)}…`]: 2,
      "';--": 1,
      '{"a"}': 1,
      '\\N': 1,
      NULL: 1,
      '"': 1,
    });
  });

  it('sets when a key was last used, and never back', async () => {
    const { store } = subject();
    const used = key();
    await store.keys.insert(used);
    const at = (ms: number) =>
      store.apply(
        batch({
          lastUsed: new Map([
            [used.id, ms],
            [randomUUID(), ms],
            [noKey, ms],
          ]),
        }),
      );
    await at(noon);
    await at(noon - 5);
    expect(await store.keys.get(used.id)).toMatchObject({ lastUsedAt: noon });
    await at(noon + 5);
    expect(await store.keys.get(used.id)).toMatchObject({ lastUsedAt: noon + 5 });
  });

  it('writes a row of usage_logs for each call, whatever its day', async () => {
    const { store, countLogs } = subject();
    const keyId = randomUUID();
    const days = [noon, Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2024, 2, 1), Date.UTC(2099, 11, 31)];
    const raw = days.map((at, day) => ({ keyId, method: 'eth_call', status: day % 3, at, count: day + 1 }));
    await store.apply(batch({ raw }));
    await store.apply(batch({ raw: [{ keyId: noKey, method: 'eth_call', status: 2, at: noon, count: 2 }] }));
    expect(await countLogs(keyId)).toBe(10);
    expect(await countLogs(null)).toBe(2);
  });
}
