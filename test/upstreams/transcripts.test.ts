import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { membersOf } from '../fidelity/json-text.ts';
import { modes } from '../fidelity/modes.ts';
import { postAll } from '../fidelity/raw-client.ts';
import { type ReceivedCall, type RecordingNode, startRecordingNode } from '../fidelity/recording-node.ts';
import { callOf, type Exchange, readTranscripts, withId } from '../fidelity/transcripts.ts';
import { type Program, startProgram } from '../program.ts';

/** Recorded transcripts with cache, joining and batching on: the same bytes, also from the cache. */

const corpora = {
  'recorded from anvil': readTranscripts(fileURLToPath(new URL('../fidelity/corpus/anvil', import.meta.url))),
  'execution-apis': readTranscripts(
    fileURLToPath(new URL('../../../shared/data/execution-apis', import.meta.url)),
  ),
};

/** Of these every answer but null and errors stays what it is once its block is final. */
const lasting =
  /^eth_(?:chainId|getBlockBy(?:Hash|Number)|getBlockReceipts|getTransactionByHash|getTransactionReceipt|getBalance|getCode|getStorageAt|getTransactionCount|call) /;

describe.each(Object.entries(corpora))('%s', (name, exchanges) => {
  const absent = exchanges.length === 0;
  const recorded = new Map(exchanges.map(({ request, response }) => [callOf(request), response]));
  const head = resultOf(recorded.get('eth_blockNumber []') ?? recorded.get('eth_blockNumber ') ?? '');
  let node: RecordingNode;
  let program: Program;

  beforeAll(async () => {
    if (absent) return;
    node = await startRecordingNode((call) => {
      const response = recorded.get(`${call.method} ${call.params}`);
      return response === undefined ? probed(call, head) : withId(response, call.id);
    });
    const networkOf = (mode: string, cache: boolean) => ({
      upstreams: [{ url: node.url, mode }],
      // Asked once, at the start.
      health: { interval: '1h' },
      cache: { enabled: cache, finality_depth: 0, head_ttl: '0' },
      coalesce: cache,
    });
    program = await startProgram({
      config: {
        server: { workers: 1, state_dir: 'none' },
        networks: {
          ...Object.fromEntries(modes.map((mode) => [mode, networkOf(mode, true)])),
          plain: networkOf('batched', false),
        },
        methods: { cheap: ['*'] },
        limits: { default: 'none' },
      },
    });
    // Until the checks have told all networks of the head.
    while (heads(node) < modes.length + 1) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
  afterAll(async () => {
    await program?.stop();
    await node?.close();
  });

  describe.skipIf(absent)(
    absent ? `the public test data ${name} is not beside the checkout` : 'is there',
    () => {
      const bodies = exchanges.map(({ request }) => request);
      const sources = exchanges.map(({ source, response }) => ({ source, status: 200, body: response }));
      const play = async (path: string) => {
        node.forget();
        const answers = await postAll(program.port, bodies, { path });
        return answers.map((answer, index) => ({ source: exchanges[index]!.source, ...answer }));
      };
      const kept = exchanges.filter(isLasting).map(({ request }) => callOf(request));

      test.each(modes)('%s: the recorded bytes, and the second time from the cache', async (mode) => {
        expect(kept.length).toBeGreaterThan(10);
        expect(await play(`/${mode}`)).toEqual(sources);
        expect(await play(`/${mode}`)).toEqual(sources);
        const again = new Set(node.calls.map(({ method, params }) => `${method} ${params}`));
        expect(kept.filter((call) => again.has(call))).toEqual([]);
        // A third time, with another caller's white space and in batches.
        node.forget();
        const groups = Array.from({ length: Math.ceil(exchanges.length / 25) }, (_, index) =>
          exchanges.slice(index * 25, (index + 1) * 25),
        );
        const batches = groups.map(
          (group) => `[${group.map(({ request }) => ` ${request.replace('{', '{ ')}\n`).join(',')}]`,
        );
        const batched = await postAll(program.port, batches, { path: `/${mode}` });
        expect(batched.map(({ body }) => body)).toEqual(
          groups.map((group) => `[${group.map(({ response }) => response).join(',')}]`),
        );
        const third = new Set(node.calls.map(({ method, params }) => `${method} ${params}`));
        expect(kept.filter((call) => third.has(call))).toEqual([]);
      });

      test('turned off, everything is asked for each time', async () => {
        expect(await play('/plain')).toEqual(sources);
        expect(await play('/plain')).toEqual(sources);
        const again = new Set(node.calls.map(({ method, params }) => `${method} ${params}`));
        expect(kept.filter((call) => !again.has(call))).toEqual([]);
      });
    },
  );
});

/** The answer holds for good: it is one, and of a block, or of all of them, that is named and not by a tag. */
function isLasting({ request, response }: Exchange): boolean {
  const call = callOf(request);
  const result = membersOf(response).get('result');
  if (!lasting.test(call) || result === undefined || result === 'null') return false;
  return (
    !/"(?:latest|pending|safe|finalized|earliest)"/.test(call) &&
    /^eth_chainId|"0x/.test(call) &&
    namesBlock(call)
  );
}

/** The state methods name their block last; without one it is the latest. */
function namesBlock(call: string): boolean {
  if (!/^eth_(?:getBalance|getCode|getStorageAt|getTransactionCount|call) /.test(call)) return true;
  return /(?:"0x[0-9a-f]{1,8}"|\{"block(?:Hash|Number)":"0x[0-9a-f]+"[^{}]*\})\]$/.test(call);
}

/** What the gateway asks by itself, where nothing is recorded for it. */
function probed({ method, params, id }: ReceivedCall & { id: string }, head: string): string {
  const block = `{"number":${head},"hash":"0x${'a'.repeat(64)}","parentHash":"0x${'b'.repeat(64)}","timestamp":"0x1"}`;
  const result = {
    eth_syncing: 'false',
    eth_chainId: '"0x1"',
    eth_blockNumber: head,
    eth_getBlockByNumber: block,
  }[method];
  if (result !== undefined && (method !== 'eth_getBlockByNumber' || /latest|finalized|safe/.test(params)))
    return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"nothing is recorded for this"}}`;
}

function heads(node: RecordingNode): number {
  return node.calls.filter(({ method }) => method === 'eth_blockNumber' || method === 'eth_getBlockByNumber')
    .length;
}

function resultOf(response: string): string {
  return response === '' ? '"0x0"' : (membersOf(response).get('result') ?? '"0x0"');
}
