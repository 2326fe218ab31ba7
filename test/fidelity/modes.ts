import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Program, startProgram } from '../program.ts';
import { type ReceivedCall, type RecordingNode, startRecordingNode } from './recording-node.ts';
import { quiet } from '../quiet.ts';

/** The ways to talk to an upstream; each is a network of the gateway, at the path of its name. */
export const modes = ['single', 'pipelined', 'batched'] as const;

export interface Fixture {
  readonly port: number;
  readonly node: RecordingNode;
}

/**
 * Starts a recording node and the real program in front of it for the tests of this file, and ends both. Nothing is
 * limited, and every method that is safe may share a batch.
 */
export function useModes(answer: (call: ReceivedCall & { id: string }) => string): Fixture {
  let node: RecordingNode;
  let program: Program;
  beforeAll(async () => {
    node = await startRecordingNode(answer);
    const networks = modes.map((mode) => [mode, { path: `/${mode}`, upstreams: [{ url: node.url, mode }] }]);
    program = await startProgram({
      config: {
        ...quiet,
        networks: Object.fromEntries(networks) as object,
        methods: { cheap: ['*'] },
        limits: { default: 'none' },
      },
    });
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(program?.output());
  });
  afterAll(async () => {
    await program?.stop();
    await node?.close();
  });
  return {
    get port() {
      return program.port;
    },
    get node() {
      return node;
    },
  };
}
