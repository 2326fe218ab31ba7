import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import type { KeyChange, Store } from '../../store.ts';
import type { Subject } from '../subject.ts';

export function describeAnnouncements(subject: () => Subject): void {
  const heard = async (store: Store) => {
    const changes: KeyChange[] = [];
    const end = store.watchKeys((change) => changes.push(change));
    // A watch may have to connect first, and says `all` once it hears.
    const probe = { keyId: randomUUID() };
    await vi.waitFor(
      async () => {
        await store.announce(probe);
        expect(changes).toContainEqual(probe);
      },
      { timeout: 10_000, interval: 20 },
    );
    const keyIds = () => changes.flatMap((change) => (change === 'all' ? [] : [change.keyId]));
    return { changes, end, keyIds };
  };

  it('tells every watcher, until it ends', async () => {
    const { store } = subject();
    const [one, two] = [await heard(store), await heard(store)];
    const [first, second] = [randomUUID(), randomUUID()];
    await store.announce({ keyId: first });
    await vi.waitFor(() =>
      expect([one.keyIds(), two.keyIds()]).toEqual([
        expect.arrayContaining([first]),
        expect.arrayContaining([first]),
      ]),
    );
    one.end();
    one.end();
    await store.announce({ keyId: second });
    await store.announce('all');
    await vi.waitFor(() => expect(two.keyIds()).toContain(second));
    await vi.waitFor(() => expect(two.changes.at(-1)).toBe('all'));
    expect(one.keyIds()).not.toContain(second);
    two.end();
  });

  it('tells of what a transaction announced once it is committed, and of nothing that was rolled back', async () => {
    const { store } = subject();
    const watcher = await heard(store);
    const [kept, lost] = [randomUUID(), randomUUID()];
    const failed = store.transaction(async (tables) => {
      await tables.announce({ keyId: lost });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await store.transaction(async (tables) => {
      await tables.announce({ keyId: kept });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(watcher.keyIds()).not.toContain(kept);
    });
    await vi.waitFor(() => expect(watcher.keyIds()).toContain(kept));
    expect(watcher.keyIds()).not.toContain(lost);
    watcher.end();
  });
}
