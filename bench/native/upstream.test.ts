import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../client.ts';
import { freePort } from '../context.ts';
import { createProcesses, type Processes } from '../processes.ts';
import { compile, isThere } from '../tools.ts';
import { blockOf } from '../../src/upstream/health/block.ts';

const tools = ['gcc', 'setpriv'];

// the bench installs these itself; a machine that only runs the tests need not have them
describe.skipIf(!tools.every(isThere))('the bench upstream (needs gcc and setpriv)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'polymorph-bench-test-'));
  let processes: Processes;
  let port: number;

  beforeAll(async () => {
    processes = createProcesses(directory);
    port = await freePort();
    processes.start('upstream', compile('upstream', directory), [String(port)]);
    for (let n = 0; n < 100; n++) {
      const up = await exchange(port, ['GET /count HTTP/1.1\r\n\r\n'], 50).catch(() => '');
      if (up !== '') break;
      await sleep(20);
    }
  });

  afterAll(async () => {
    await processes.stopAll();
    rmSync(directory, { recursive: true });
  });

  const call = async (body: string) => {
    const client = createClient(port, 1);
    try {
      return (await client.call(body)).body;
    } finally {
      client.close();
    }
  };

  it.each(['1', '1.0', '1e400', '-0', 'null', '"a\\"}b\\\\"', '"\\u0000é"'])(
    'keeps the id %s',
    async (id) => {
      const text = await call(`{ "jsonrpc": "2.0", "params": [{"id":7},"]}"], "id" : ${id} , "method":"m"}`);
      expect(text).toContain(`"id":${id},"result":"0x`);
    },
  );

  it('answers different params differently and equal ones alike', async () => {
    const answer = (params: string) => call(`{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`);
    expect(await answer('[1]')).toBe(await answer('[1]'));
    expect(await answer('[1]')).not.toBe(await answer('[2]'));
  });

  it('answers the calls of a batch in their order and leaves notifications out', async () => {
    const text = await call('[{"id":1,"method":"m"}, {"method":"m"} ,{"id":"two","method":"m"}]');
    expect((JSON.parse(text) as { id: unknown }[]).map(({ id }) => id)).toEqual([1, 'two']);
    expect(await call('[{"method":"m"}]')).toBe('');
  });

  const ask = async (method: string, params: string): Promise<unknown> => {
    const text = await call(`{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`);
    const { id, result } = JSON.parse(text) as { id: unknown; result: unknown };
    expect(id).toBe(7);
    return result;
  };

  it('is a sound node of chain 1 to who asks after its health', async () => {
    expect(await ask('eth_chainId', '[]')).toBe('0x1');
    expect(await ask('eth_syncing', '[]')).toBe(false);
    const head = blockOf(await ask('eth_getBlockByNumber', '["latest",false]'));
    expect(head).toMatchObject({ number: 0x1500000 });
    const hash: unknown = expect.stringMatching(/^0x[0-9a-f]{64}$/);
    expect(head).toMatchObject({ hash, parentHash: hash });
    const finalized = blockOf(await ask('eth_getBlockByNumber', '["finalized",false]'));
    expect(finalized).toMatchObject({ number: 0x1500000 - 64 });
    const parent = blockOf(await ask('eth_getBlockByNumber', '["0x14fffff",false]'));
    expect(parent).toMatchObject({ number: 0x14fffff, hash: head?.parentHash });
    expect(await ask('eth_getBlockByNumber', '["0x1500001",false]')).toBeNull();
  });

  it('counts calls, and not what is asked after its health', async () => {
    const client = createClient(port, 1);
    const calls = async () => (JSON.parse((await client.get('/count')).body) as { calls: number }).calls;
    const before = await calls();
    await ask('eth_getBlockByNumber', '["latest",false]');
    await call('[{"id":1,"method":"eth_chainId"},{"id":2,"method":"eth_syncing"}]');
    expect(await calls()).toBe(before);
    await call('[{"id":1,"method":"eth_chainId"},{"id":2,"method":"eth_call","params":["eth_chainId"]}]');
    expect(await calls()).toBe(before + 1);
    client.close();
  });

  it('answers pipelined requests that arrive in pieces', async () => {
    const body = '{"jsonrpc":"2.0","id":123,"method":"m"}';
    const request = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const three = request.repeat(3);
    const pieces = [three.slice(0, 10), three.slice(10, 90), three.slice(90, 200), three.slice(200)];
    const answers = await exchange(port, pieces, 300);
    expect(answers.match(/"id":123/g)).toHaveLength(3);
  });
});

async function exchange(port: number, pieces: string[], waitMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  let text = '';
  let failure: Error | undefined;
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('error', (error) => (failure = error));
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(10);
  }
  await sleep(waitMs);
  socket.destroy();
  if (failure) throw failure;
  return text;
}
