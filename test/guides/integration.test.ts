import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cert } from '../../src/upstream/testing/certificate.ts';
import { type Anvil, noAnvil, startAnvil } from '../anvil.ts';
import { endWithUs, ownEnvironment, type Program, startProgram } from '../program.ts';
import { sumOf } from '../stats/metrics-page.ts';
import { ask, type Asked, messagesOf, oneConnection } from './ask.ts';
import { readPage, replaced } from './page.ts';
import { hasProgram, type Proxy, startCaddy, startNginx } from './proxies.ts';

/** docs/integration.md, with the config, the proxies' configs and the clients' programs that stand in it. */

const page = readPage('integration.md');
const key = 'pp_test_of_the_guides_00000001';
const callsText = (count: number, dataBytes: number): string =>
  JSON.stringify(
    Array.from({ length: count }, (_, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'web3_sha3',
      params: [`0x${'ab'.repeat(dataBytes)}`],
    })),
  );
const call = (method: string) => ({ jsonrpc: '2.0', id: 1, method, params: [] });

let anvil: Anvil;
let program: Program;
beforeAll(async () => {
  if (noAnvil) return;
  anvil = await startAnvil(['--block-time', '1']);
  const [config = ''] = page.blocks('The address and the key', 'yaml');
  const port = new URL(anvil.url).port;
  program = await startProgram({
    config: `${replaced(config, { '127.0.0.1:8545': `127.0.0.1:${port}` })}logging: { access_sample: 1 }\n`,
    env: { ACME_KEY: key },
  });
});
afterAll(async () => {
  await program?.stop();
  await anvil?.stop();
});

const proxies = {
  nginx: { scheme: 'https', language: 'nginx', heading: 'nginx', start: startNginx },
  caddy: { scheme: 'http', language: 'caddyfile', heading: 'Caddy', start: startCaddy },
} as const;

describe.each(['nginx', 'caddy'] as const)(
  '%s before the gateway (skipped where it or anvil is not there)',
  (name) => {
    const { scheme, language, heading, start } = proxies[name];
    const missing = Boolean(noAnvil) || !hasProgram(name);
    let proxy: Proxy;
    beforeAll(async () => {
      if (missing) return;
      proxy = await start(page.blocks(heading, language)[0]!, program.port);
    });
    afterAll(() => proxy?.close());

    const asked = (more: Partial<Asked>) =>
      ask({ port: proxy.port, scheme, ...more, headers: { 'x-api-key': key, ...more.headers } });
    const addressOf = async (requestId: unknown): Promise<unknown> =>
      (await program.waitFor(`"requestId":"${String(requestId)}"`))['address'];

    test.skipIf(missing)('a caller is who connected to it, whatever the caller writes', async () => {
      const invented = {
        'x-forwarded-for': '203.0.113.7, 127.0.0.1',
        forwarded: 'for=203.0.113.8',
        'x-real-ip': '203.0.113.9',
      };
      for (const headers of [{}, invented]) {
        const { status, headers: told } = await asked({
          from: '127.0.0.2',
          headers,
          body: JSON.stringify(call('eth_chainId')),
        });
        expect(status).toBe(200);
        expect(await addressOf(told['x-request-id'])).toBe('127.0.0.2');
      }
    });

    test.skipIf(missing)('a large batch goes through whole, with our headers', async () => {
      const body = callsText(100, 4_900);
      expect(body.length).toBeGreaterThan(960_000);
      const { status, headers, body: told } = await asked({ body });
      expect(status).toBe(200);
      expect(headers).toHaveProperty('ratelimit-policy');
      const results = (JSON.parse(told) as { id: number; result?: string }[]).filter(
        ({ result }) => result?.length === 66,
      );
      expect(results.length).toBe(100);
    });

    test.skipIf(missing)('what is too large is told by the gateway, as JSON', async () => {
      const { status, body } = await asked({ body: callsText(10, 60_000) });
      expect(status).toBe(413);
      expect(JSON.parse(body)).toMatchObject({ error: { code: -32600, data: { maxBodyBytes: 1_048_576 } } });
    });

    test.skipIf(missing)('connections are kept on both sides', async () => {
      const opened = async (): Promise<number> =>
        sumOf(await (await fetch(`${program.adminUrl}/metrics`)).text(), 'polymorph_connections_total');
      const agent = oneConnection(scheme);
      const before = await opened();
      for (let count = 0; count < 40; count++) {
        const { status } = await asked({ agent, body: JSON.stringify(call('eth_chainId')) });
        expect(status).toBe(200);
      }
      expect(Object.values(agent.freeSockets).flat().length).toBe(1);
      agent.destroy();
      expect((await opened()) - before).toBeLessThanOrEqual(2);
    });

    test.skipIf(missing)('WebSockets work, with the caller’s address', async () => {
      const written = program.logs().length;
      const subscribe = { ...call('eth_subscribe'), params: ['newHeads'] };
      const at = { port: proxy.port, scheme, path: `/eth/${key}`, from: '127.0.0.2' } as const;
      const [first, ...heads] = await messagesOf(at, [subscribe], 3);
      expect(first.result).toMatch(/^0x[0-9a-f]{32}$/);
      const numbers = heads.map(({ params }) => Number(params.result.number));
      expect(numbers[1]).toBe(numbers[0]! + 1);
      const line = await program.waitFor(/"method":"eth_subscribe"/, written);
      expect(line).toMatchObject({ kind: 'access', address: '127.0.0.2' });
    });
  },
);

describe.skipIf(Boolean(noAnvil) || !hasProgram('nginx'))(
  'clients, through nginx (skipped where it or anvil is not there)',
  () => {
    let proxy: Proxy;
    const folder = mkdtempSync(join(tmpdir(), 'polymorph-clients-'));
    beforeAll(async () => {
      writeFileSync(join(folder, 'ca.pem'), cert);
      proxy = await startNginx(page.blocks('nginx', 'nginx')[0]!, program.port);
    });
    afterAll(async () => {
      await proxy?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Runs it in the project's folder, where its imports are, until what it prints fits. */
    const prints = async (source: string, pattern: RegExp): Promise<string> => {
      const child = spawn(process.execPath, ['--input-type=module-typescript'], {
        cwd: join(import.meta.dirname, '../..'),
        env: { ...ownEnvironment(), RPC_KEY: key, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      let output = '';
      const late = setTimeout(() => reject(new Error(`after 30 s only:\n${output}`)), 30_000);
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          if (pattern.test(output)) resolve(output);
        });
      child.on('exit', () => reject(new Error(`ended without what was expected:\n${output}`)));
      child.stdin.end(replaced(source, { 'rpc.example.com': `localhost:${proxy.port}` }));
      return promise.finally(() => {
        clearTimeout(late);
        child.kill('SIGKILL');
        release();
      });
    };

    const printed = {
      viem: [/chainId: 31337, blockNumber: \d+n/, /block: \d+n/],
      ethers: [/blockNumber: \d+, gasPrice: \d+n/, /block: \d+/],
      web3: [/chainId: 31337n, blockNumber: \d+n/, /block: \d+n/],
    };

    test.each(Object.entries(printed))('%s', async (heading, patterns) => {
      const sources = page.blocks(heading, 'ts');
      expect(sources.length).toBe(patterns.length);
      await Promise.all(sources.map((source, at) => prints(source, patterns[at]!)));
    });

    test('nginx’s log has their calls, and no key', async () => {
      const at = { port: proxy.port, scheme: 'https', path: `/eth/${key}?api_key=${key}` } as const;
      const { status } = await ask({ ...at, body: JSON.stringify(call('eth_chainId')) });
      expect(status).toBe(200);
      expect(proxy.log()).toMatch(/ 200 \d+ /);
      expect(proxy.log()).not.toContain(key);
    });
  },
);
