import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestPool } from '../calls.ts';
import { type PaceSample, type PaceSummary, parsePaceSamples } from '../load/pace.ts';
import { compile, isThere } from '../tools.ts';

const run = promisify(execFile);
const poolSize = 5;

// the bench installs gcc itself; a machine that only runs the tests need not have it
describe.skipIf(!isThere('gcc'))('the bench generator (needs gcc)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'polymorph-bench-test-'));
  const requests = join(directory, 'requests.http');
  let pace: string;
  let server: Server | undefined;

  beforeAll(() => {
    pace = compile('pace', directory);
    writeFileSync(requests, requestPool(poolSize, ['a', 'b']));
  });
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** 200 calls a second for half a second, at a server that answers as told; ids in the order they came. */
  async function load(
    answer: (id: number, nth: number) => string | undefined,
  ): Promise<{ summary: PaceSummary; samples: PaceSample[]; ids: number[] }> {
    const ids: number[] = [];
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.once('end', () => {
        const { id } = JSON.parse(text) as { id: number };
        ids.push(id);
        const body = answer(id, ids.length);
        if (body === undefined) request.destroy();
        else response.writeHead(200, { 'content-length': body.length }).end(body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const file = join(directory, 'samples');
    const { stdout } = await run(pace, [port, 8, 200, 0, 500, requests, file].map(String));
    const samples = parsePaceSamples(readFileSync(file, 'utf8'));
    return { summary: JSON.parse(stdout) as PaceSummary, samples, ids };
  }

  const right = (id: number) => `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`;

  it('sends its requests in turn and says when each was due', async () => {
    const from = Number(process.hrtime.bigint() / 1000n);
    const { summary, samples, ids } = await load(right);
    expect(ids.length).toBeGreaterThan(50);
    // They may arrive in another order: there are eight connections.
    const inTurn = Array.from(ids, (_, k) => 1_000_000 + (k % poolSize));
    expect(ids.toSorted((a, b) => a - b)).toEqual(inTurn.toSorted((a, b) => a - b));
    expect(summary).toMatchObject({ failed: 0, samples: ids.length });
    expect(samples.filter((sample) => sample.right)).toHaveLength(ids.length);
    for (const { due } of samples) {
      expect(due).toBeGreaterThan(from);
      expect(due).toBeLessThan(from + 60_000_000);
    }
  });

  it.each([
    ['the id of another call', (id: number) => right(id + 1)],
    ['an id that begins with its own', (id: number) => right(id * 10)],
    [
      'an error',
      (id: number) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"Upstream unavailable"}}`,
    ],
  ])('counts %s as a failed call', async (_, wrong) => {
    const { summary, samples } = await load((id, nth) => (nth % 10 === 0 ? wrong(id) : right(id)));
    expect(summary.failed).toBeGreaterThan(2);
    expect(samples.filter((sample) => !sample.right)).toHaveLength(summary.failed);
  });

  it('counts a connection that breaks as a failed call', async () => {
    const { summary } = await load((id, nth) => (nth === 10 ? undefined : right(id)));
    expect(summary.failed).toBe(1);
  });
});
