import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst, measuring } from './scripts/test-lanes.ts';

/** `npm run test:long` sets it: property tests and counts read it for their size, here it stretches the timeouts. */
const long = process.env.POLYMORPH_TEST_LONG === '1';
const minutes = 60_000;

// Inherited by the forks of vitest and by all programs that tests start. What is compiled is the same in each of them; a
// program with two workers starts with 1.1 s of processor time in place of 2.0.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

export default defineConfig({
  test: {
    pool: 'forks',
    hookTimeout: 2 * minutes,
    teardownTimeout: 10_000,
    sequence: { sequencer: LongestFirst },
    // By `npm run coverage` only: see scripts/coverage.ts.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.fuzz.ts', '**/testing/**'],
      reporter: ['json'],
      reportOnFailure: true,
      // What a test starts in threads and processes of their own counts, too.
      autoAttachSubprocess: true,
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['{src,bench,scripts}/**/*.test.ts'],
          testTimeout: long ? 30 * minutes : 30_000,
          // They mostly wait, for timeouts and for sockets: one alone has a processor to itself for a third of its time.
          maxWorkers: Math.max(3, availableParallelism()),
        },
      },
      {
        // Real programs and real servers: after the unit tests. They mostly wait.
        extends: true,
        test: {
          name: 'process',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          exclude: [...measuring],
          testTimeout: long ? 60 * minutes : 2 * minutes,
          maxWorkers: Math.max(4, availableParallelism()),
        },
      },
      {
        // What measures has the processors to itself, or nearly so.
        extends: true,
        test: {
          name: 'measuring',
          sequence: { groupOrder: 2 },
          include: [...measuring],
          testTimeout: long ? 60 * minutes : 2 * minutes,
          maxWorkers: 2,
          // A machine that stands still for half a second says nothing of the program. The report says which took two.
          retry: 1,
        },
      },
      ...(long || process.argv.includes('fuzz')
        ? [
            {
              extends: true,
              test: {
                name: 'fuzz',
                sequence: { groupOrder: 3 },
                include: ['{src,test}/**/*.fuzz.ts'],
                testTimeout: 60 * minutes,
              },
            },
          ]
        : []),
    ],
  },
});
