import { afterEach, expect, test } from 'vitest';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import { nodeVices } from '../fakes/node-vices.ts';
import { type Program, startProgram } from '../program.ts';
import { startSteadyLoad } from './steady-load.ts';

let program: Program | undefined;
let nodes: FakeNode[] = [];
afterEach(async () => {
  await program?.stop();
  await Promise.all(nodes.map((node) => node.close()));
});

test.each(['single', 'pipelined', 'batched'])(
  '%s: upstreams come and go under load while one of them fails, and no call does',
  async (mode) => {
    nodes = await Promise.all(Array.from({ length: 4 }, () => startFakeNode()));
    const [steady, failing, ...others] = nodes as [FakeNode, FakeNode, ...FakeNode[]];
    const configOf = (used: FakeNode[]) => ({
      server: { workers: 2, state_dir: 'none' },
      upstreams: used.map((node) => ({
        url: node.url,
        mode,
        name: `node-${nodes.indexOf(node)}`,
        timeout: '1s',
        first_byte_timeout: '500ms',
      })),
      timeout: '5s',
      retry: { budget: '100%' },
      limits: { default: 'none' },
    });
    program = await startProgram({ config: configOf([steady, failing]) });
    const load = startSteadyLoad(program.port, 16);
    const bad = ['resets without an answer', 'truncates the body', 'never answers', 'answers 502 with HTML'];
    for (let k = 0; k < 12; k++) {
      failing.behave(nodeVices[bad[k % bad.length]!]!.vice);
      // One goes or comes with each; now and then the failing one itself, or the order changes.
      const used = [steady, ...others.filter((_, place) => (k >> place) % 2 === 1)];
      if (k % 3 !== 0) used.splice(k % 2, 0, failing);
      expect((await program.reload(configOf(used))).msg).toBe('config reloaded');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const outcome = await load.stop();
    expect(outcome.wrong.slice(0, 5)).toEqual([]);
    for (const node of nodes) expect(node.received('eth_call').length).toBeGreaterThan(0);
  },
);
