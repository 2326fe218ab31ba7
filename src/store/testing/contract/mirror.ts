import { expect, it } from 'vitest';
import { key, noon, type Subject } from '../subject.ts';

const of = ({ id, sha256, prefix, name, enabled, expiresAt }: ReturnType<typeof key>) => ({
  ...{ id, sha256, prefix, name, enabled, expiresAt },
});

const [here, there] = ['one', 'another'];

export function describeMirror(subject: () => Subject): void {
  it('makes rows of them, marks those that are gone, and takes them back', async () => {
    const { store, clock } = subject();
    const [one, two] = [
      key({ source: 'config' }),
      key({ source: 'config', enabled: false, expiresAt: noon }),
    ];
    clock.now = noon;
    await store.mirrorConfigKeys([of(one), of(two)], here);
    expect(await store.keys.get(one.id)).toEqual(one);
    expect(await store.keys.get(two.id)).toEqual(two);

    clock.now = noon + 1000;
    await store.mirrorConfigKeys([of({ ...two, name: 'renamed' })], here);
    expect(await store.keys.get(one.id)).toEqual({ ...one, deletedAt: noon + 1000 });
    expect(await store.keys.get(two.id)).toEqual({ ...two, name: 'renamed' });

    clock.now = noon + 2000;
    await store.mirrorConfigKeys([of(one), of(two)], here);
    expect(await store.keys.get(one.id), 'as old as ever').toEqual(one);
    await store.mirrorConfigKeys([], here);
    expect((await store.keys.list({ source: 'config', limit: 9 })).length).toBe(0);
  });

  it('lets keys exchange their hashes, and a new name take over a hash', async () => {
    const { store } = subject();
    const [one, two, three] = [key(), key(), key()];
    await store.mirrorConfigKeys([of(one), of(two)], here);
    await store.mirrorConfigKeys(
      [of({ ...one, sha256: two.sha256 }), of({ ...two, sha256: one.sha256 })],
      here,
    );
    expect(await store.keys.get(one.id)).toMatchObject({ sha256: two.sha256, deletedAt: null });
    expect(await store.keys.get(two.id)).toMatchObject({ sha256: one.sha256, deletedAt: null });
    await store.mirrorConfigKeys([of({ ...three, sha256: one.sha256 })], here);
    expect(await store.keys.get(three.id)).toMatchObject({ sha256: one.sha256, source: 'config' });
  });

  it('leaves the keys of the store alone, and out what has one of their hashes', async () => {
    const { store } = subject();
    const [stored, config, clashing] = [key(), key(), key()];
    await store.keys.insert(stored);
    await store.mirrorConfigKeys([of(config)], here);
    await store.mirrorConfigKeys([], here);
    expect(await store.keys.get(stored.id)).toEqual(stored);
    const keys = [of({ ...clashing, sha256: stored.sha256 }), of(config)];
    expect(await store.mirrorConfigKeys(keys, here)).toEqual([clashing.name]);
    expect(await store.keys.get(config.id), 'all others').toMatchObject({ deletedAt: null });
    expect(await store.keys.get(clashing.id)).toBeNull();
    expect(await store.keys.get(stored.id)).toEqual(stored);
    await store.mirrorConfigKeys([], here);
  });

  it('keeps what another instance names, until it has not done so for a day', async () => {
    const { store, clock } = subject();
    const [mine, both, theirs] = [key(), key(), key()];
    const names = async () => (await store.keys.list({ source: 'config', limit: 9 })).map(({ id }) => id);
    const sorted = (...keys: { id: string }[]) => keys.map(({ id }) => id).toSorted();
    clock.now = noon;
    await store.mirrorConfigKeys([of(mine), of(both)], here);
    await store.mirrorConfigKeys([of(both), of(theirs)], there);
    expect((await names()).toSorted()).toEqual(sorted(mine, both, theirs));

    await store.mirrorConfigKeys([of(mine)], here);
    expect((await names()).toSorted()).toEqual(sorted(mine, both, theirs));
    await store.mirrorConfigKeys([of(theirs)], there);
    expect((await names()).toSorted(), 'neither has it').toEqual(sorted(mine, theirs));

    clock.now = noon + 86_400_000;
    await store.mirrorConfigKeys([of(mine)], here);
    expect((await names()).toSorted()).toEqual(sorted(mine, theirs));
    clock.now += 1;
    await store.mirrorConfigKeys([of(mine)], here);
    expect(await names()).toEqual(sorted(mine));
    await store.mirrorConfigKeys([], here);
    clock.now = noon;
  });

  it('of one key under two names, or of two keys of one name, has one row', async () => {
    const { store } = subject();
    const [old, renamed] = [key(), key()];
    await store.mirrorConfigKeys([of(old)], there);
    const same = of({ ...renamed, sha256: old.sha256 });
    expect(await store.mirrorConfigKeys([same], here)).toEqual([renamed.name]);
    expect(await store.mirrorConfigKeys([same], there)).toEqual([]);
    expect(await store.mirrorConfigKeys([same], here)).toEqual([]);
    const other = key();
    await store.mirrorConfigKeys([of({ ...renamed, sha256: other.sha256 })], there);
    expect(await store.keys.get(renamed.id)).toMatchObject({ sha256: other.sha256, deletedAt: null });
    for (const instance of [here, there]) await store.mirrorConfigKeys([], instance);
  });

  it('may be done by several instances at once', async () => {
    const { store, another } = subject();
    const stores = [store, (await another?.()) ?? store, (await another?.()) ?? store];
    const [shared, ...own] = [key(), key(), key(), key()];
    const keysOf = (nth: number) => [of(shared), of(own[nth]!)];
    await Promise.all(stores.map((one, nth) => one.mirrorConfigKeys(keysOf(nth), `instance ${nth}`)));
    expect(await store.keys.list({ source: 'config', limit: 9 })).toHaveLength(4);
    await Promise.all(stores.map((one, nth) => one.mirrorConfigKeys([], `instance ${nth}`)));
    expect(await store.keys.list({ source: 'config', limit: 9 })).toHaveLength(0);
    for (const other of new Set(stores.slice(1))) if (other !== store) await other.close();
  });

  it('mirrors thousands', async () => {
    const { store } = subject();
    const many = Array.from({ length: 1201 }, () => of(key()));
    await store.mirrorConfigKeys(many, here);
    await store.mirrorConfigKeys(many.slice(1), here);
    expect((await store.keys.list({ source: 'config', limit: 5000 })).length).toBe(1200);
    await store.mirrorConfigKeys([], here);
  });
}
