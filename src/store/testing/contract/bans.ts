import { expect, it, vi } from 'vitest';
import type { BanRow } from '../../rows.ts';
import type { Store } from '../../store.ts';
import { noon, type Subject } from '../subject.ts';

const ban = (values: Partial<BanRow> = {}): BanRow => ({
  prefix: '203.0.113.9',
  reason: 'violations of weight 12 within 60 s',
  by: 'auto',
  times: 1,
  beganAt: noon,
  until: noon + 600_000,
  endedAt: null,
  ...values,
});

export function describeBans(subject: () => Subject): void {
  it('puts a ban, or in place of the one before, and finds it', async () => {
    const { bans } = subject().store;
    const longest = ban({
      prefix: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120',
      reason: 'é'.repeat(500),
      by: 'x'.repeat(255),
      until: null,
    });
    await bans.put(ban());
    await bans.put(longest);
    expect(await bans.get(longest.prefix)).toEqual(longest);
    const again = ban({ times: 2, beganAt: noon + 1, until: null, by: 'ada' });
    await bans.put(again);
    expect(await bans.get('203.0.113.9')).toEqual(again);
    expect(await bans.get('203.0.113.8')).toBeNull();
    await expect(bans.put(ban({ reason: 'x'.repeat(501) }))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('leaves a ban that began later, and counts those that stand', async () => {
    const { bans } = subject().store;
    const prefix = '192.0.2.77';
    const newer = ban({ prefix, beganAt: noon + 60_000, until: null, by: 'ada' });
    const before = await bans.count(noon);
    expect(await bans.put(newer)).toBe(true);
    expect(await bans.put(ban({ prefix, beganAt: noon + 59_999 }))).toBe(false);
    expect(await bans.get(prefix)).toEqual(newer);
    expect(await bans.count(noon)).toBe(before + 1);
    const sameTime = { ...newer, until: noon + 90_000, reason: 'another' };
    expect(await bans.put(sameTime)).toBe(true);
    expect(await bans.get(prefix)).toEqual(sameTime);
    expect(await bans.count(noon + 89_999)).toBe((await bans.count(noon + 90_000)) + 1);
    await bans.end(prefix, newer.beganAt, noon + 70_000);
    expect(await bans.put(ban({ prefix }))).toBe(false);
    expect((await bans.get(prefix))?.endedAt).toBe(noon + 70_000);
    expect(await bans.count(noon)).toBe(before);
  });

  it('ends a ban once, and not one that has come in its place', async () => {
    const { bans } = subject().store;
    const one = ban({ prefix: '198.51.100.0/24', beganAt: noon + 123 });
    await bans.put(one);
    expect(await bans.end(one.prefix, noon, noon + 5)).toBe(false);
    expect(await bans.end(one.prefix, one.beganAt, noon + 500)).toBe(true);
    expect(await bans.end(one.prefix, one.beganAt, noon + 600)).toBe(false);
    expect(await bans.get(one.prefix)).toEqual({ ...one, endedAt: noon + 500 });
    // As is tried where the answer was lost.
    expect(await bans.put(one)).toBe(false);
    expect(await bans.get(one.prefix)).toEqual({ ...one, endedAt: noon + 500 });
    expect(await bans.put({ ...one, beganAt: one.beganAt + 1 })).toBe(true);
  });

  it('lists those that stand and those that ended lately, by prefix, page by page; forgets the rest', async () => {
    const { bans } = subject().store;
    await bans.forget(Number.MAX_SAFE_INTEGER / 2000);
    for (const { prefix } of await bans.list({ endedSince: 0, limit: 100 })) {
      const { beganAt } = (await bans.get(prefix))!;
      await bans.end(prefix, beganAt, 1);
    }
    await bans.forget(2);
    await bans.put(ban({ prefix: '10.0.0.1' }));
    await bans.put(ban({ prefix: '10.0.0.2', endedAt: noon + 1000 }));
    await bans.put(ban({ prefix: '10.0.0.3', endedAt: noon + 2000 }));
    const prefixes = async (endedSince: number, after?: string, limit = 10) =>
      (await bans.list({ endedSince, limit, ...(after && { after }) })).map(({ prefix }) => prefix);
    expect(await prefixes(noon + 1500)).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(await prefixes(noon, '10.0.0.1', 1)).toEqual(['10.0.0.2']);
    await bans.forget(noon + 1500);
    expect(await prefixes(0)).toEqual(['10.0.0.1', '10.0.0.3']);
  });

  it('tells every watcher of every instance of a change once it is committed', async () => {
    const { store, another } = subject();
    const other = another === null ? store : await another();
    const heard: string[] = [];
    const end = other.watchBans((prefix) => heard.push(prefix));
    await settled(store, heard);
    const kept = ban({ prefix: '2001:db8:1::/64' });
    await store.transaction(async ({ bans }) => {
      await bans.put(kept);
      expect(heard).not.toContain(kept.prefix);
    });
    const lost = store.transaction(async ({ bans }) => {
      await bans.put(ban({ prefix: '2001:db8:2::/64' }));
      throw new Error('no');
    });
    await expect(lost).rejects.toThrow('no');
    await vi.waitFor(() => expect(heard).toContain(kept.prefix));
    await store.bans.end(kept.prefix, kept.beganAt, noon);
    await vi.waitFor(() => expect(heard.filter((one) => one === kept.prefix)).toHaveLength(2));
    expect(heard).not.toContain('2001:db8:2::/64');
    end();
    if (other !== store) await other.close();
  });
}

/** A watch may have to connect first. */
async function settled(store: Store, heard: string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      await store.bans.put(ban({ prefix: '192.0.2.255' }));
      expect(heard).toContain('192.0.2.255');
    },
    { timeout: 10_000, interval: 20 },
  );
}
