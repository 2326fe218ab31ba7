import { describe, expect, it } from 'vitest';
import { draftOfHealth, draftOfReload, draftOfWorker } from './drafts.ts';
import { createMarkedEnvelopes, createToldMarks } from './warning-ids.ts';

const key = { number: 7, id: 'id-7', prefix: 'abcdefgh' };
const limit = { network: 'default', method: 'm', policy: 'default', limit: 1, burst: 0 };
const quota = { of: 'key', unit: 'requests', limit: 10, used: 8, period: 'month', percent: 80 };
const warning = (resetsAt: string, more: object = {}) =>
  draftOfWorker(
    {
      ...{ type: 'quota.warning', key, address: '203.0.113.7', count: 1, atMs: 5 },
      data: { ...quota, resetsAt, ...more },
    },
    () => undefined,
  );

describe('drafts', () => {
  it('name a key by prefix and name, with its ids beside', () => {
    const event = { type: 'rate_limit.exceeded', key, address: '203.0.113.7', count: 3, atMs: 5 } as const;
    const data = { ...limit, retryAfterMs: 9 };
    const named = (number: number) =>
      number === 7 ? { name: 'acme', sha256: 'ff', userId: 'user-1' } : undefined;
    expect(draftOfWorker({ ...event, data }, named)).toEqual({
      ...{ type: 'rate_limit.exceeded', subject: 'key:abcdefgh/acme', severity: 'warning', atMs: 5 },
      ...{ keyId: 'id-7', userId: 'user-1' },
      data: { ...data, count: 3, windowMs: 0 },
    });
    const anonymous = draftOfWorker({ ...event, key: null, data }, named);
    expect(anonymous).toMatchObject({ subject: '203.0.113.7' });
    expect(anonymous).not.toHaveProperty('keyId');
  });

  it('are made of an upstream that went down or is back, and of no first check', () => {
    const at = { network: 'main', upstream: 'a' };
    expect(
      draftOfHealth({ ...at, type: 'upstream.down', reason: 'timeout', detail: 'x', upMs: 1 }, 5),
    ).toEqual({
      ...{ type: 'upstream.down', subject: 'upstream:main/a', severity: 'error', atMs: 5 },
      data: { ...at, reason: 'timeout' },
    });
    expect(draftOfHealth({ ...at, type: 'upstream.up', downMs: 1234.5 }, 5)).toMatchObject({
      ...{ type: 'upstream.up', severity: 'info' },
      data: { ...at, downMs: 1235, reason: null },
    });
    expect(draftOfHealth({ ...at, type: 'upstream.up', downMs: null }, 5)).toBeNull();
    expect(draftOfHealth({ ...at, type: 'head.doubted', head: 1, why: 'x' }, 5)).toBeNull();
  });

  it('are made of a reload that did something, or was refused', () => {
    const result = { generation: 3, problems: [], changes: [], restartNeeded: ['a'], late: [], tookMs: 1 };
    expect(draftOfReload({ ...result, outcome: 'applied' }, 'hash', 5)).toMatchObject({
      ...{ type: 'config.reloaded', subject: 'config', severity: 'info' },
      data: { ok: true, hash: 'hash', generation: 3, problem: null, restartNeeded: ['a'] },
    });
    const refused = { ...result, outcome: 'refused' as const, problems: ['c.yaml:1:2: error: x', 'y'] };
    expect(draftOfReload(refused, 'hash', 5)).toMatchObject({
      ...{ severity: 'error', data: { ok: false, problem: 'c.yaml:1:2: error: x' } },
    });
    expect(draftOfReload({ ...result, outcome: 'unchanged' }, 'hash', 5)).toBeNull();
  });
});

describe('warnings of quotas', () => {
  const envelope = createMarkedEnvelopes({
    source: () => '/t',
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  });
  const december = '2026-12-01T00:00:00.000Z';

  it('have one id for one mark of one period, whoever sees it, and others for others', () => {
    const ids = [
      warning(december),
      warning(december, { used: 9 }),
      warning(december, { percent: 95 }),
      warning(december, { limit: 20 }),
      warning('2027-01-01T00:00:00.000Z'),
    ].map((draft) => envelope(draft).id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('are told once by a process', () => {
    const isTold = createToldMarks();
    expect([isTold(warning(december)), isTold(warning(december, { used: 9 }))]).toEqual([false, true]);
    expect(isTold(warning(december, { percent: 95 }))).toBe(false);
  });
});
