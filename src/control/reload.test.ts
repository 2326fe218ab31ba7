import { expect, test } from 'vitest';
import { createReloader, type ReloadParts, type ReloadResult } from './reload.ts';

interface Fake {
  file: { limit: number; port: number } | 'bad' | Error;
  holds: { limit: number; port: number };
}

function build(overrides: Partial<ReloadParts<Fake['holds']>> = {}) {
  const fake: Fake = { file: { limit: 1, port: 1 }, holds: { limit: 1, port: 1 } };
  const results: ReloadResult[] = [];
  let generation = 1;
  let now = 0;
  const reload = createReloader<Fake['holds']>({
    started: { limit: 1, port: 1 },
    read: async () => {
      const { file } = fake;
      if (file instanceof Error) throw file;
      if (file === 'bad')
        return { problems: ['polymorph.yaml:3:5: error: limits.default.requests: expected a number'] };
      return { config: file };
    },
    current: () => ({ config: fake.holds, generation }),
    same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
    plan: (from, to) => ({
      changes: from.limit === to.limit ? [] : [`limit ${from.limit} → ${to.limit}`],
      restartNeeded: from.port === to.port ? [] : ['port'],
    }),
    objection: async (config) => (config.limit === 13 ? 'upstream is ourselves' : null),
    apply: async (config) => {
      if (config.limit === 99) throw new RangeError('no bucket holds that');
      fake.holds = config;
      generation += 1;
      return { generation, late: [] };
    },
    onResult: (result) => results.push(result),
    now: () => (now += 10),
    ...overrides,
  });
  return { fake, reload, results };
}

test('a changed file is applied, and what needs a restart is said until it came', async () => {
  const { fake, reload } = build();
  fake.file = { limit: 2, port: 7 };
  expect(await reload()).toMatchObject({
    outcome: 'applied',
    generation: 2,
    changes: ['limit 1 → 2'],
    restartNeeded: ['port'],
  });
  fake.file = { limit: 3, port: 7 };
  expect(await reload()).toMatchObject({ changes: ['limit 2 → 3'], restartNeeded: ['port'] });
  expect(await reload()).toMatchObject({ outcome: 'unchanged', generation: 3, restartNeeded: ['port'] });
});

test.each<[string, Fake['file'], RegExp]>([
  ['is wrong', 'bad', /^polymorph.yaml:3:5: error/],
  ['cannot be read', new Error('ENOENT: gone'), /gone/],
  ['names ourselves', { limit: 13, port: 1 }, /ourselves/],
  ['cannot be compiled', { limit: 99, port: 1 }, /no bucket/],
])('a file that %s leaves the old policy', async (_, file, problem) => {
  const { fake, reload, results } = build();
  fake.file = file;
  const result = await reload();
  expect(result).toMatchObject({
    outcome: 'refused',
    generation: 1,
    problems: [expect.stringMatching(problem)],
  });
  expect(fake.holds.limit).toBe(1);
  expect(results).toEqual([result]);
});

test('the time counts from the change, also for one that came during a reload', async () => {
  const { reload } = build();
  const first = reload(-500);
  const second = reload(-100);
  expect((await first).tookMs).toBeGreaterThan(500);
  const took = (await second).tookMs;
  expect(took).toBeGreaterThan(100);
  expect(took).toBeLessThan(500);
});
