import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frame, Line } from './sample.ts';
import { orders, plain, screenOf, type View } from './screen.ts';

const line = (name: string, calls: number, over: Partial<Line> = {}): Line => ({
  ...{ name, id: name, calls, refused: 0, cost: calls, bytes: calls * 100, ms: 1.5, ...over },
});
const scope = (
  of: 'cluster' | 'instance',
  instances: number,
  redis: 'here' | 'away' | null,
): Frame['scope'] => ({
  of,
  instances: Array.from({ length: instances }, (_, at) => ({ id: `i${at}`, ageSeconds: at })),
  ...{ oldestSeconds: instances - 1, missing: 0, redis },
});
const frame = (callers: Line[], methods: Line[], over: Partial<Frame> = {}): Frame => ({
  at: '2026-11-28T12:34:56.000Z',
  gateway: { version: '1.2.3', uptimeSeconds: 90, connections: 12, sockets: 3 },
  scope: scope('instance', 1, null),
  seconds: 2,
  totals: { calls: 100, refused: 0, cost: 150, bytes: 4096, ms: 12, failed: 0, errors: 0, cached: 5 },
  ...{ down: [], upstreams: 2, redis: null, callers, methods, shadow: [], ...over },
});
const view = (over: Partial<View> = {}): View => ({
  ...{ width: 80, height: 24, order: 'calls', paused: false, history: [1, 5, 10], problem: null },
  ...{ address: 'localhost:9540', styles: plain, ...over },
});

test('a picture at 80 × 24', () => {
  const callers = [line('192.0.2.1', 5, { refused: 2.5, ms: null }), line('acme', 95)];
  const lines = screenOf(frame(callers, [line('eth_call', 100)]), view()).map((one) => one.trimEnd());
  expect(lines).toHaveLength(24);
  expect(lines.slice(0, 11)).toEqual([
    'polymorph top  localhost:9540  up 1m 30s  v1.2.3                    12:34:56 UTC',
    `calls 100/s ${' '.repeat(65)}▁▅█`,
    'refused 0/s (0.0%)  cost 150/s  4.0 KiB/s  p99 12 ms  failed 0/s  cached 5/s',
    'upstreams 2 good  connections 12  sockets 3',
    '',
    'CALLER                      calls/sv  refused/s     cost/s    bytes/s    mean ms',
    'acme                              95          0         95    9.3 KiB        1.5',
    '192.0.2.1                          5      ! 2.5          5      500 B          -',
    '',
    'METHOD                      calls/sv  refused/s     cost/s    bytes/s     p99 ms',
    'eth_call                         100          0        100    9.8 KiB        1.5',
  ]);
  expect(lines.at(-1)).toBe('c calls  r refused  u cost  b bytes  l latency   p pause   q quit');
});

test('a line without rates stands last, whatever it is sorted by', () => {
  const fresh = line('fresh', 0, { calls: null, refused: null, cost: null, bytes: null, ms: null });
  for (const { name: order } of orders) {
    const lines = screenOf(frame([fresh, line('acme', 1)], []), view({ order }));
    expect(lines[6]).toMatch(/^acme/);
    expect(lines[7]!.trimEnd()).toMatch(/^fresh(?: +-){5}$/);
  }
});

test('what is wrong stands where the eye is', () => {
  const down = frame([], [], { down: ['main/backup down'] });
  expect(screenOf(down, view())[3]?.trimEnd()).toBe('! 1 of 2 upstreams: main/backup down');
  const cutOff = { up: false, instances: 3, reason: 'connect ECONNREFUSED' };
  expect(screenOf(frame([], [], { redis: cutOff }), view())[3]?.trimEnd()).toBe(
    '! Redis is away: connect ECONNREFUSED',
  );
  const both = screenOf(frame([], [], { down: ['main/backup down'], redis: cutOff }), view({ width: 100 }));
  expect(both[3]?.trimEnd()).toBe(
    '! 1 of 2 upstreams: main/backup down; Redis is away: connect ECONNREFUSED',
  );
  const shared = frame([], [], { redis: { ...cutOff, up: true, reason: null } });
  expect(screenOf(shared, view())[3]?.trimEnd()).toBe(
    'upstreams 2 good  connections 12  sockets 3  instances 3',
  );
  const away = screenOf(down, view({ problem: 'Cannot reach it', paused: true }));
  expect(away[3]?.trimEnd()).toBe('! Cannot reach it');
  expect(away[0]).toContain('PAUSED  12:34:56 UTC');
});

test('whose figures they are stands there, where instances share a Redis', () => {
  const state = (of: 'cluster' | 'instance', instances: number, redis: 'here' | 'away', missing = 0) =>
    screenOf(frame([], [], { scope: { ...scope(of, instances, redis), missing } }), view({ width: 100 }))[0];
  const before = 'polymorph top  localhost:9540  up 1m 30s  v1.2.3';
  expect(state('cluster', 3, 'here')).toContain(`${before}  instances 3  `);
  expect(state('cluster', 2, 'here', 1)).toContain(`${before}  instances 2 (1 missing)  `);
  expect(state('cluster', 1, 'away')).toContain(`${before}  ! Redis away: this instance alone  `);
  expect(state('instance', 1, 'here')).toContain(`${before}  this instance alone  `);
});

test('no picture is larger than its terminal, whatever the names', () => {
  const unit = fc.constantFrom('a', '日', '\u001b', 'e\u0301', '€');
  const named = fc.record({
    name: fc.string({ unit, maxLength: 40 }),
    calls: fc.double({ min: 0, max: 1e9, noNaN: true }),
  });
  const some = fc.array(named, { maxLength: 12 });
  const columns = (text: string): number =>
    [...text].reduce((sum, c) => sum + (c === '日' ? 2 : c === '\u0301' ? 0 : 1), 0);
  const size = { width: fc.integer({ min: 40, max: 200 }), height: fc.integer({ min: 1, max: 40 }) };
  fc.assert(
    fc.property(
      some,
      some,
      fc.record(size),
      fc.constantFrom(...orders),
      (callers, methods, { width, height }, { name: order }) => {
        const lines = [callers, methods].map((all) => all.map(({ name, calls }) => line(name, calls))) as [
          Line[],
          Line[],
        ];
        const picture = screenOf(frame(...lines), view({ width, height, order }));
        expect(picture.length).toBe(height);
        expect(Math.max(...picture.map(columns))).toBeLessThanOrEqual(width);
        const sortedBy = order === 'ms' ? 'mean msv' : `${order}/sv`;
        if (height > 8) expect(picture.some((each) => each.includes(sortedBy))).toBe(true);
      },
    ),
  );
});
