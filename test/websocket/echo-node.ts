import { startFakeUpstream } from '../fakes/upstream.ts';

/** A fake node as a process of its own, for calls that take time. Says its address in a line. */
const node = await startFakeUpstream();
process.stdout.write(`${node.url}\n`);
