import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventTypes } from '../config/index.ts';
import { eventData } from './event.ts';
import { withEventTypes } from './reference.ts';
import { createWebhookSink } from './sinks/webhook.ts';
import { deliveryOf, exampleEvent } from './testing/example-event.ts';
import { plainHttp } from './testing/plain-http.ts';
import { startFaultyReceiver } from './testing/faulty-receiver.ts';
import { sinkConfig } from './testing/sink-config.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('billing-webhooks.md', docs), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  );
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDrandom00';

interface Received {
  headers: Record<string, string>;
  body: string;
}

/** A delivery as the webhook sink really makes it. */
async function delivered(atMs: number, ...secrets: string[]): Promise<Received> {
  await using receiver = await startFaultyReceiver({ status: 200 });
  const sink = createWebhookSink(sinkConfig('webhook', { url: receiver.url, secrets, allow_private: true }), {
    http: plainHttp,
  });
  const event = exampleEvent('method.blocked', { subject: 'key:Jk3n9QxA/Übergröße 😀' });
  const results = await sink.deliver([deliveryOf(event, { atMs })], AbortSignal.timeout(5000));
  expect(results).toEqual([{ kind: 'delivered' }]);
  const [{ headers, body }] = receiver.requests as [(typeof receiver.requests)[0]];
  return { headers: headers as Record<string, string>, body };
}

describe('docs/billing-webhooks.md', () => {
  it('has the events as they are', () => {
    expect(withEventTypes(page) === page, 'run: node scripts/generate-docs.ts').toBe(true);
  });

  it('gives a true example of each type', () => {
    const examples = blocks('json').map((text) => JSON.parse(text) as { type: string; data: unknown });
    expect(examples.map(({ type }) => type)).toEqual(eventTypes);
    for (const type of eventTypes) {
      const { data } = examples.find((one) => one.type === type)!;
      expect(z.strictObject(eventData[type].shape).parse(data)).toEqual(data);
    }
  });

  it('says of all data what it means', () => {
    const rows = page.split('\n').filter((line) => /^\| `[a-zA-Z]+` \| /.test(line));
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((row) => /\| +\|/.test(row))).toEqual([]);
  });

  it('names the headers that are sent', async () => {
    const { headers } = await delivered(Date.now(), secret);
    for (const name of ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      expect(page).toContain(`| \`${name}\` |`);
      expect(headers[name]).toBeDefined();
    }
    expect(page).toContain(`\`${headers['content-type']}\``);
  });

  describe('verifies, in', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'polymorph-verify-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    type Case = Received & { secret: string };

    /** What each case comes to: the event’s id, or the error. */
    async function outcomes(verify: (cases: Case[]) => string[]): Promise<Record<string, string>> {
      const now = { secret, ...(await delivered(Date.now(), secret)) };
      const { 'webhook-signature': _, ...unsigned } = now.headers;
      const cases: Record<string, Case> = {
        good: now,
        rotated: { secret, ...(await delivered(Date.now(), other, secret)) },
        otherSecret: { ...now, secret: other },
        changed: { ...now, body: now.body.replace('admin_peers', 'admin_other') },
        otherId: { ...now, headers: { ...now.headers, 'webhook-id': 'x' } },
        old: { secret, ...(await delivered(Date.now() - 301_000, secret)) },
        early: { secret, ...(await delivered(Date.now() + 330_000, secret)) },
        unsigned: { ...now, headers: unsigned },
      };
      const results = verify(Object.values(cases));
      return Object.fromEntries(Object.keys(cases).map((name, index) => [name, results[index] ?? '']));
    }
    const { id } = exampleEvent('method.blocked');
    const wrong = 'the signature does not fit';
    const expected = {
      ...{ good: id, rotated: id, otherSecret: wrong, changed: wrong, otherId: wrong },
      ...{
        old: 'too old, or a clock is wrong',
        early: 'too old, or a clock is wrong',
        unsigned: 'not signed',
      },
    };

    it('TypeScript', async () => {
      const path = join(folder, 'verify.ts');
      await writeFile(path, blocks('ts')[0] ?? '');
      const { verify } = (await import(pathToFileURL(path).href)) as {
        verify(secret: string, headers: object, body: string): { id: string };
      };
      const run = ({ secret: key, headers, body }: Case): string => {
        try {
          return verify(key, headers, body).id;
        } catch (error) {
          return (error as Error).message;
        }
      };
      expect(await outcomes((cases) => cases.map(run))).toEqual(expected);
    });

    const python = spawnSync('python3', ['--version']).status === 0;
    it.skipIf(!python)(`Python${python ? '' : ' (skipped: there is no python3)'}`, async () => {
      await writeFile(join(folder, 'verify.py'), blocks('python')[0] ?? '');
      const driver = [
        'import json, sys',
        'from verify import verify',
        'for case in json.load(sys.stdin):',
        '    try:',
        '        print(verify(case["secret"], case["headers"], case["body"].encode())["id"])',
        '    except ValueError as error:',
        '        print(error)',
      ].join('\n');
      const run = (cases: Case[]): string[] => {
        const input = JSON.stringify(cases);
        const { stdout, stderr } = spawnSync('python3', ['-c', driver], { cwd: folder, input });
        return (stdout.toString() || stderr.toString()).trim().split('\n');
      };
      expect(await outcomes(run)).toEqual(expected);
    });
  });
});
