import { defineConfig } from 'vitest/config';

/** Counts and timeouts for the everyday run; `npm run test:long` sets POLYMORPH_TEST_LONG=1. */
const long = process.env.POLYMORPH_TEST_LONG === '1';

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: long ? 30 * 60_000 : 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    fileParallelism: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          testTimeout: long ? 60 * 60_000 : 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
