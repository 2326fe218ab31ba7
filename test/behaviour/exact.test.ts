import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { burst, count, workerOf } from './load.ts';
import { quiet } from '../quiet.ts';

const key = 'exact-key-of-twenty-two-characters';
const withQuota = 'quota-key-of-twenty-two-characters';
let node: FakeUpstream;
let program: Program;

beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 3, state_dir: 'none' },
      upstreams: [{ url: node.url }],
      // What the node is asked is counted: no checks among it.
      limits: {
        default: 'none',
        methods: { m: bucketOf(700), shared: bucketOf(1000) },
        ceilings: [{ name: 'all', per: 'global', ...bucketOf(1400) }],
      },
      keys: [
        { name: 'exact', key },
        { name: 'quota', key: withQuota, quota: { requests: 300, period: 'month' } },
      ],
    },
  });
});
afterAll(async () => {
  await program.kill();
  await node.close();
});

describe('with three workers and 48 connections at once', () => {
  it('a bucket, a quota and a ceiling admit exactly what they hold', async () => {
    const sent = node.bodies.length;
    const limited = await burst(program.port, 1500, 48, { headers: { 'x-api-key': key } });
    expect(new Set(limited.map(workerOf)).size).toBeGreaterThan(1);
    expect([count(limited, 200), count(limited, 429)]).toEqual([700, 800]);

    const quota = await burst(program.port, 600, 48, { headers: { 'x-api-key': withQuota }, method: 'n' });
    expect([count(quota, 200), count(quota, 402)]).toEqual([300, 300]);

    // Of the ceiling 400 are left: no refused call took any of it.
    const shared = await burst(program.port, 900, 48, { method: 'shared' });
    expect([count(shared, 200), count(shared, 429)]).toEqual([400, 500]);
    const refused = shared.find(({ status }) => status === 429);
    expect(refused!.json.error.data.policy).toBe('ceiling:all');
    expect(node.bodies.length - sent).toBe(1400);
  });
});
