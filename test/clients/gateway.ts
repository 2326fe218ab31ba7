import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Anvil, startAnvil } from '../anvil.ts';
import { type Program, startProgram } from '../program.ts';

/** A key for each way a test uses the gateway, so that none meets another's limits. */
export const keys = {
  header: 'pp_test_in_the_header_0000001',
  path: 'pp_test_in_the_path_000000002',
  limited: 'pp_test_limited_0000000000003',
  batches: 'pp_test_limited_batches_00004',
} as const;

/** One call at once, the next after the period. */
const oneEach = (period: string) => ({ requests: 1, period, burst_size: 0 });

/**
 * Starts a real node and the real program in front of it for the tests of this file, and ends both. Without a key
 * nothing is answered. `eth_gasPrice` is limited for `keys.limited` to one call a second, `net_version` to one in
 * 15 ms; for `keys.batches` any method to two calls a second.
 */
export function useGateway(): { readonly url: string } {
  let anvil: Anvil;
  let program: Program;
  beforeAll(async () => {
    anvil = await startAnvil();
    program = await startProgram({
      config: {
        upstreams: [{ url: anvil.url }],
        identity: { anonymous: 'deny' },
        limits: { default: 'none' },
        keys: [
          { name: 'header', key: keys.header },
          { name: 'path', key: keys.path },
          {
            name: 'limited',
            key: keys.limited,
            limits: { methods: { eth_gasPrice: oneEach('1s'), net_version: oneEach('15ms') } },
          },
          {
            name: 'batches',
            key: keys.batches,
            limits: { default: { requests: 2, period: '1s', burst_size: 0 } },
          },
        ],
      },
    });
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(program?.output());
  });
  afterAll(async () => {
    await program?.stop();
    await anvil?.stop();
  });
  return {
    get url() {
      return program.url;
    },
  };
}
