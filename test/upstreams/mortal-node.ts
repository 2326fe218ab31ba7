import { startFakeNode } from '../fakes/ethereum-node.ts';

/**
 * A fake node as a process of its own, to be killed. Says its address in a line, and then, line by line, how many
 * calls of its callers it got. Its argument is its port.
 */
const node = await startFakeNode({ port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${node.url}\n`);
setInterval(() => process.stdout.write(`${node.received('eth_call').length}\n`), 50);
