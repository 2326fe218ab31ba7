import { expect, it } from 'vitest';
import { key, noon, type Subject } from '../subject.ts';

const of = ({ id, sha256, prefix, name, enabled, expiresAt }: ReturnType<typeof key>) => ({
  ...{ id, sha256, prefix, name, enabled, expiresAt },
});

export function describeMirror(subject: () => Subject): void {
  it('makes rows of them, marks those that are gone, and takes them back', async () => {
    const { store, clock } = subject();
    const [one, two] = [
      key({ source: 'config' }),
      key({ source: 'config', enabled: false, expiresAt: noon }),
    ];
    clock.now = noon;
    await store.mirrorConfigKeys([of(one), of(two)]);
    expect(await store.keys.get(one.id)).toEqual(one);
    expect(await store.keys.get(two.id)).toEqual(two);

    clock.now = noon + 1000;
    await store.mirrorConfigKeys([of({ ...two, name: 'renamed' })]);
    expect(await store.keys.get(one.id)).toEqual({ ...one, deletedAt: noon + 1000 });
    expect(await store.keys.get(two.id)).toEqual({ ...two, name: 'renamed' });

    clock.now = noon + 2000;
    await store.mirrorConfigKeys([of(one), of(two)]);
    expect(await store.keys.get(one.id), 'as old as ever').toEqual(one);
    await store.mirrorConfigKeys([]);
    expect((await store.keys.list({ source: 'config', limit: 9 })).length).toBe(0);
  });

  it('lets keys exchange their hashes, and a new name take over a hash', async () => {
    const { store } = subject();
    const [one, two, three] = [key(), key(), key()];
    await store.mirrorConfigKeys([of(one), of(two)]);
    await store.mirrorConfigKeys([of({ ...one, sha256: two.sha256 }), of({ ...two, sha256: one.sha256 })]);
    expect(await store.keys.get(one.id)).toMatchObject({ sha256: two.sha256, deletedAt: null });
    expect(await store.keys.get(two.id)).toMatchObject({ sha256: one.sha256, deletedAt: null });
    await store.mirrorConfigKeys([of({ ...three, sha256: one.sha256 })]);
    expect(await store.keys.get(three.id)).toMatchObject({ sha256: one.sha256, source: 'config' });
  });

  it('leaves the keys of the store alone, and refuses one of their hashes', async () => {
    const { store } = subject();
    const [stored, config] = [key(), key()];
    await store.keys.insert(stored);
    await store.mirrorConfigKeys([of(config)]);
    await store.mirrorConfigKeys([]);
    expect(await store.keys.get(stored.id)).toEqual(stored);
    const clash = store.mirrorConfigKeys([of(config), of({ ...key(), sha256: stored.sha256 })]);
    await expect(clash).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.keys.get(config.id), 'all or nothing').toMatchObject({
      deletedAt: expect.any(Number),
    });
  });

  it('mirrors thousands', async () => {
    const { store } = subject();
    const many = Array.from({ length: 1201 }, () => of(key()));
    await store.mirrorConfigKeys(many);
    await store.mirrorConfigKeys(many.slice(1));
    expect((await store.keys.list({ source: 'config', limit: 5000 })).length).toBe(1200);
    await store.mirrorConfigKeys([]);
  });
}
