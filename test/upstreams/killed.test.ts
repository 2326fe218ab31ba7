import { afterEach, expect, test } from 'vitest';
import { type Program, startProgram } from '../program.ts';
import { type MortalNode, startMortalNode } from './mortal-nodes.ts';
import { p99, startSteadyLoad } from './steady-load.ts';

/** One of three nodes dies under load, everything else as it is by default. */

let program: Program | undefined;
let nodes: MortalNode[] = [];
afterEach(async () => {
  await program?.stop();
  await Promise.all(nodes.map((node) => node.kill()));
  nodes = [];
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.each(['single', 'pipelined', 'batched'])(
  '%s: one of three nodes is killed and comes back, and no call fails',
  async (mode) => {
    nodes = await Promise.all([startMortalNode(), startMortalNode(), startMortalNode()]);
    program = await startProgram({
      config: {
        server: { workers: 2, state_dir: 'none' },
        upstreams: nodes.map(({ url }, place) => ({ url, mode, name: `node-${place}` })),
        limits: { default: 'none' },
      },
    });
    const load = startSteadyLoad(program.port, 24);
    await pause(500);
    const begunMs = performance.now();
    await pause(1_500);
    // Each of them had its share.
    for (const node of nodes) expect(node.received).toBeGreaterThan(20);
    const killedMs = performance.now();
    await nodes[1]!.kill();
    await pause(4_000);
    const backMs = performance.now();
    nodes[1] = await startMortalNode(Number(new URL(nodes[1]!.url).port));
    await pause(2_000);
    const outcome = await load.stop();
    expect(outcome.wrong.slice(0, 5)).toEqual([]);
    const before = p99(outcome, begunMs, killedMs);
    const after = p99(outcome, killedMs + 2_000, backMs);
    // A machine with other things to do has a p99 of its own mood; one call in a hundred that waits for a
    // dead node's timeout would be far beyond.
    expect(after).toBeLessThan(Math.max(4 * before, before + 100));
    expect(nodes[1].received).toBeGreaterThan(20);
    expect(outcome.calls.filter(({ atMs }) => atMs > killedMs && atMs < backMs).length).toBeGreaterThan(200);
  },
);
