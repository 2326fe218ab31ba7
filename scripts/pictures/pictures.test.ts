import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { welcome } from '../../src/commands/demo/welcome.ts';
import { plain, screenOf } from '../../src/commands/top/screen.ts';
import { textOfSvg } from './terminal-svg.ts';

/** The README's pictures show what the program prints today; where they do not, `npm run pictures` makes them anew. */

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const rowsOf = (name: string): string[] => textOfSvg(read(`docs/images/${name}.svg`));

test('each is of less than 200 KB and in the README', () => {
  for (const name of ['explain', 'top']) {
    expect(statSync(join(root, `docs/images/${name}.svg`)).size).toBeLessThan(200_000);
    expect(read('README.md')).toContain(`](docs/images/${name}.svg)`);
  }
});

test('the loop is the one that the demo gives, and explain has the parts that it has', () => {
  const facts = {
    address: 'http://127.0.0.1:8540',
    admin: 'http://127.0.0.1:9540',
    key: 'pp_live_',
    chainId: 1,
  };
  const printed = welcome({ ...facts, version: '', colour: false }).split('\n');
  const loop = printed.map((line) => line.trim()).find((line) => line.startsWith('for i in ')) ?? '?';
  const rows = rowsOf('explain');
  // The terminal broke the long line.
  expect(rows.join('')).toContain(`$ ${loop}`);
  const source = read('src/commands/explain/format.ts');
  for (const part of [
    'Outcome',
    'Caller',
    'Rules, in the order they were looked at',
    'Buckets, in tokens',
    'refused here',
  ]) {
    expect(
      rows.some((row) => row.includes(part)),
      part,
    ).toBe(true);
    expect(source, part).toContain(part);
  }
});

test('top has the columns that it has, and the version', () => {
  const rows = rowsOf('top');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(rows[0]).toMatch(`  v${version}`);
  expect(rows[0]).toMatch(/ UTC$/);
  const gateway = { uptimeSeconds: 0, version, connections: 0, sockets: 0 };
  const totals = { calls: 0, refused: 0, cost: 0, bytes: 0, ms: null, failed: 0, cached: 0, errors: 0 };
  const frame = {
    gateway,
    totals,
    down: [],
    upstreams: 1,
    redis: null,
    shadow: [],
    callers: [],
    methods: [],
    at: '',
  };
  const view = {
    width: 104,
    height: 20,
    order: 'calls',
    paused: false,
    history: [],
    problem: null,
    address: '',
  } as const;
  const empty = screenOf({ ...frame, scope: { redis: null } } as never, { ...view, styles: plain });
  for (const title of ['CALLER', 'METHOD']) {
    const head = empty.find((line) => line.startsWith(title))?.trimEnd();
    expect(rows).toContain(head);
  }
});
