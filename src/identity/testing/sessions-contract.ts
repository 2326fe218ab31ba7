import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type SessionBounds, sessionIdOf, type Sessions } from '../sessions/sessions.ts';

const long: SessionBounds = { idleMs: 60_000, lifeMs: 600_000, perUserMax: 3, dataBytesMax: 1000 };
let users = 0;
/** Of a test of its own. */
const newUser = (): string => `usr_${(users += 1)}_${process.hrtime.bigint()}`;

/** What holds of sessions, wherever they are kept. `open` gives another instance on the same ones with each call. */
export function describeSessions(open: (bounds: SessionBounds) => Sessions, shared: boolean): void {
  it('knows who has the token, and nobody else', async () => {
    const [sessions, userId] = [open(long), newUser()];
    const { token, session } = await sessions.create({ userId, data: 'seen "ä" \n' });
    const { createdAt } = session;
    expect(Math.abs(createdAt - Date.now())).toBeLessThan(1000);
    expect(session).toEqual({
      ...{ id: sessionIdOf(token), userId, data: 'seen "ä" \n' },
      ...{ createdAt, seenAt: createdAt, expiresAt: createdAt + 60_000 },
    });
    expect(await sessions.read(token)).toEqual(session);
    const other = await sessions.create({ userId: newUser(), data: '' });
    const [home = '', secret = ''] = token.split('.');
    const wrong = [
      ...[
        '',
        '.',
        'x',
        `${token}.`,
        `${token}x`,
        ` ${token}`,
        token.slice(1),
        secret,
        session.id,
        `.${secret}`,
      ],
      `${home}.${other.token.split('.')[1]}`,
      `${other.token.split('.')[0]}.${secret}`,
      `*.${secret}`,
      `${'x'.repeat(16)}.${'0'.repeat(43)}`,
    ];
    for (const text of wrong) {
      expect(await sessions.read(text), text).toBeNull();
      expect(await sessions.touch(text), text).toBeNull();
    }
    for (const text of ['', '*', token, `${session.id}0`])
      expect(await sessions.delete(text), text).toBe(false);
    expect(await sessions.read(token)).toEqual(session);
  });

  it.runIf(shared)('knows at one instance who signed in at another', async () => {
    const { token, session } = await open(long).create({ userId: newUser(), data: 'd' });
    const other = open(long);
    expect(await other.read(token)).toEqual(session);
    expect(await other.deleteAll(session.userId)).toBe(1);
    expect(await open(long).read(token)).toBeNull();
  });

  it('ends when nobody touches it, and not before', async () => {
    const sessions = open({ ...long, idleMs: 600 });
    const userId = newUser();
    const [left, kept] = [
      await sessions.create({ userId, data: 'a' }),
      await sessions.create({ userId, data: 'b' }),
    ];
    await sleep(350);
    expect((await sessions.read(left.token))?.seenAt).toBe(left.session.createdAt);
    const touched = await sessions.touch(kept.token, 'c');
    expect(touched).toMatchObject({ data: 'c', createdAt: kept.session.createdAt });
    expect(touched!.seenAt - kept.session.createdAt).toBeGreaterThanOrEqual(340);
    expect(touched!.expiresAt).toBe(touched!.seenAt + 600);
    await sleep(350);
    expect(await sessions.read(left.token)).toBeNull();
    expect(await sessions.touch(left.token)).toBeNull();
    expect(await sessions.read(kept.token)).toEqual(touched);
    expect(await sessions.list(userId)).toEqual([touched]);
    expect(await sessions.delete(left.session.id)).toBe(false);
  });

  it('ends after its life, however often it is touched', async () => {
    const sessions = open({ ...long, idleMs: 400, lifeMs: 700 });
    const { token, session } = await sessions.create({ userId: newUser(), data: '' });
    await sleep(350);
    expect((await sessions.touch(token))?.expiresAt).toBe(session.createdAt + 700);
    await sleep(400);
    expect(await sessions.touch(token)).toBeNull();
    expect(await sessions.list(session.userId)).toEqual([]);
  });

  it('lists those of a user, and ends one or all of them', async () => {
    const [sessions, userId] = [open(long), newUser()];
    const [one, two] = [
      await sessions.create({ userId, data: '1' }),
      await sessions.create({ userId, data: '2' }),
    ];
    const other = await sessions.create({ userId: newUser(), data: '' });
    expect(new Set(await sessions.list(userId))).toEqual(new Set([one.session, two.session]));
    expect(await sessions.delete(one.session.id)).toBe(true);
    expect(await sessions.delete(one.session.id)).toBe(false);
    expect(await sessions.list(userId)).toEqual([two.session]);
    await sessions.create({ userId, data: '3' });
    expect(await sessions.deleteAll(userId)).toBe(2);
    expect(await sessions.deleteAll(userId)).toBe(0);
    expect([await sessions.read(two.token), await sessions.list(userId)]).toEqual([null, []]);
    expect(await sessions.read(other.token)).toEqual(other.session);
  });

  it('has room for so many of a user and so much in each', async () => {
    const [sessions, userId] = [open(long), newUser()];
    const made = [];
    for (let i = 0; i < 5; i += 1) {
      made.push(await sessions.create({ userId, data: String(i) }));
      await sleep(3);
    }
    expect((await sessions.list(userId)).map(({ data }) => data)).toEqual(['2', '3', '4']);
    expect(await sessions.read(made[1]!.token)).toBeNull();
    const tooLong = 'ä'.repeat(501);
    await expect(sessions.create({ userId, data: tooLong })).rejects.toThrow(/1002 bytes, and may have 1000/);
    await expect(sessions.touch(made[4]!.token, tooLong)).rejects.toThrow(RangeError);
    expect((await sessions.touch(made[4]!.token, 'ä'.repeat(500)))?.data.length).toBe(500);
    expect(await sessions.list(userId)).toHaveLength(3);
  });
}
