import { afterEach, describe, expect, it } from 'vitest';
import { batchVices, type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { converse } from './callers.ts';
import { quiet } from '../quiet.ts';

const callers = 200;
const callsPerCaller = process.env['POLYMORPH_TEST_LONG'] === '1' ? 2000 : 170;
const keyOf = (caller: number): string => `isolation_key_${String(caller).padStart(4, '0')}_0123456789`;

let program: Program | undefined;
let node: FakeUpstream | undefined;
afterEach(async () => {
  await program?.stop();
  await node?.close();
});

describe.each(['single', 'pipelined', 'batched'])('%s', (mode) => {
  it(`${callers} callers with the same ids, ${callers * callsPerCaller} calls: each gets its own answers`, async () => {
    node = await startFakeUpstream(
      mode === 'batched' ? { vice: batchVices['answers out of order']!.vice } : {},
    );
    program = await startProgram({
      config: {
        ...quiet,
        server: { workers: 2, max_connections_per_address: 1000 },
        limits: { default: 'none' },
        upstreams: [{ url: node.url, mode }],
        keys: Array.from({ length: callers }, (_, caller) => ({
          name: `caller-${caller}`,
          key: keyOf(caller),
        })),
      },
    });
    const { port } = program;
    const conversations = await Promise.all(
      Array.from({ length: callers }, (_, caller) =>
        converse({ port, key: keyOf(caller), caller, calls: callsPerCaller }),
      ),
    );
    expect(conversations.flatMap(({ wrong }) => wrong).slice(0, 20)).toEqual([]);
    expect(conversations.reduce((sum, { calls }) => sum + calls, 0)).toBe(callers * callsPerCaller);
    const nonces = node.bodies.join('\n').match(/c\d+-n\d+/g)!;
    expect(nonces).toHaveLength(callers * callsPerCaller);
    expect(new Set(nonces).size).toBe(nonces.length);
    expect(node.bodies.some((body) => body.startsWith('['))).toBe(mode === 'batched');
    expect(node.heads.join('\n')).not.toContain('isolation_key');
  });
});
