import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventTypes } from '../config/index.ts';
import { createEnvelopes, numbered, sampleDrafts } from '../events/index.ts';
import { type Receiver, startReceiver } from '../events/testing/receiver.ts';
import { openStore } from '../store/index.ts';
import { runCommand } from './testing/run-command.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('events.md', docs), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
const id = '01a22206-ca00-7d5e-9a0f-3c7b1e6d2f48';
const secret = 'whsec_cG9seW1vcnBoLWV4YW1wbGUtc2VjcmV0';

let cwd: string;
let receiver: Receiver;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-events-'));
  receiver = await startReceiver();
  // The page's config, but for where its webhook is.
  const config = blocks('yaml')[0]!.replace(
    'url: https://billing.example.com/hooks',
    `url: ${receiver.url}\n      allow_private: true`,
  );
  writeFileSync(join(cwd, 'polymorph.yaml'), config);
});
afterAll(async () => {
  await receiver.close();
  rmSync(cwd, { recursive: true, force: true });
});

/** The page's event, a dead letter of the sink billing. */
beforeEach(async () => {
  const store = await openStore({ kind: 'sqlite', folder: join(cwd, '.polymorph') });
  const draft = sampleDrafts['quota.warning'];
  const envelope = createEnvelopes({ source: () => '/polymorph', random: (bytes) => new Uint8Array(bytes) });
  const event = JSON.stringify({ ...envelope(draft), id });
  const { type, subject, severity } = draft;
  const entry = { id, type, subject, severity, atMs: Date.now(), keyId: null, userId: null, event };
  await store.outbox.add([{ ...entry, sinks: ['billing'] }]);
  await store.outbox.abandon({ only: 'billing' }, 'answered 503', Date.now());
  await store.close();
});

const run = (...args: string[]) => runCommand(cwd, ['events', ...args]);

describe('docs/events.md', () => {
  test.each(
    blocks('sh')
      .flatMap((block) => block.trimEnd().split('\n'))
      .filter((line) => line.startsWith('polymorph '))
      .map((line) => [line]),
  )('%s', async (line) => {
    const [, ...args] = line.replaceAll("'", '').split(' ');
    const { code, stdout, stderr } = await runCommand(cwd, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
    expect(stdout).not.toContain('There are no such events');
    expect(stdout).not.toContain('nothing to deliver');
  });

  test('shows an event as it is, and all types with the roadmap’s names', () => {
    const envelope = createEnvelopes({
      source: () => '/polymorph',
      random: (bytes) => new Uint8Array(bytes),
    });
    const shown = numbered({ ...envelope(sampleDrafts['quota.warning']), id }, 42);
    expect(blocks('json')).toEqual([`${JSON.stringify(shown, null, 2)}\n`]);
    const rows = [...page.matchAll(/^\| `([a-z_.]+)` \| (\w+) \| ([^|]+) \|/gm)];
    expect(rows.map(([, type]) => type)).toEqual([...eventTypes]);
    for (const [, type = '', name, severity = ''] of rows) {
      const camel = type
        .replace(/(?:^|[._])ip\b/, 'IP')
        .replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase());
      expect(name).toBe(camel);
      const sample = sampleDrafts[type as (typeof eventTypes)[number]].severity;
      expect(severity).toContain(type.startsWith('alert.') ? 'as the rule says' : sample);
    }
  });
});

describe('polymorph events', () => {
  test('test sends a signed sample, and says what came of it', async () => {
    receiver.received.length = 0;
    const sent = await run('test', 'billing', '--type', 'ip.banned');
    expect(sent).toMatchObject({ code: 0, stdout: 'billing has taken a sample of ip.banned.\n' });
    const [{ body, headers }] = receiver.received as [(typeof receiver.received)[0]];
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'ip.banned',
    });
    receiver.answer = (_, response) => void response.writeHead(503).end();
    expect(await run('test', 'billing')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: 'billing has not taken a sample of quota.warning: answered 503\n',
    });
    const asJson = await run('test', 'billing', '--json');
    expect(JSON.parse(asJson.stdout)).toEqual({
      ...{ sink: 'billing', type: 'quota.warning', kind: 'retry' },
      ...{ problem: 'answered 503', retryAfterMs: null },
    });
    receiver.answer = (_, response) => void response.writeHead(204).end();
    const line = await run('test', 'on-call');
    expect(JSON.parse(line.stdout.split('\n')[0]!)).toMatchObject({ type: 'quota.warning' });
  });

  test('test gives up on a module that listens to no signal', async () => {
    const deaf = join(cwd, 'deaf.mjs');
    writeFileSync(
      deaf,
      'export const createSink = () => ({ deliver: () => new Promise(() => {}), close: () => new Promise(() => {}) });\n',
    );
    const config = join(cwd, 'deaf.yaml');
    writeFileSync(
      config,
      `upstreams: [{ url: "http://127.0.0.1:8545" }]\nevents: { sinks: [{ name: deaf, type: module, path: ${deaf}, timeout: 100ms }] }\n`,
    );
    expect(await run('test', 'deaf', '--config', config)).toMatchObject({
      code: 1,
      stderr: 'deaf has not taken a sample of quota.warning: it did not end within 1100ms\n',
    });
  });

  test.each([
    [['test', 'biling'], 'did you mean billing?'],
    [['test', 'billing', '--type', 'quota.warnin'], 'did you mean quota.warning?'],
    [['test', 'acme'], 'writes to the store of a running gateway'],
    [['list', '--type', 'nothing'], 'expected one of rate_limit.exceeded'],
    [['replay'], 'Say what to deliver again'],
    [['replay', 'abc'], 'expected the id of an event'],
  ])('%j says how', async (args, hint) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(hint);
  });

  test('list and show say where an event went, for people and as JSON', async () => {
    const { stdout } = await run('list', '--json', '--limit', '1');
    expect(JSON.parse(stdout)).toMatchObject({
      events: [{ event: { id, type: 'quota.warning' }, deliveries: [{ sink: 'billing' }] }],
      next: null,
    });
    expect((await run('show', id)).stdout).toMatch(/billing +(?:dead|waiting) /);
    expect(await run('show', id.replace('0', '1'))).toMatchObject({ code: 1 });
  });
});
