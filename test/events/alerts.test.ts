import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFaultyReceiver } from '../../src/events/testing/faulty-receiver.ts';
import { startFakeUpstream } from '../fakes/upstream.ts';
import { startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

type Receiver = Awaited<ReturnType<typeof startFaultyReceiver>>;
let node: Awaited<ReturnType<typeof startFakeUpstream>>;
let slack: Receiver;
let pagerduty: Receiver;
let other: Receiver;
beforeAll(async () => {
  node = await startFakeUpstream();
  slack = await startFaultyReceiver({ status: 200, body: 'ok' });
  pagerduty = await startFaultyReceiver({ status: 202, body: '{"status":"success"}' });
  other = await startFaultyReceiver({ status: 200 });
});
afterAll(async () => {
  await node.close();
  for (const receiver of [slack, pagerduty, other]) await receiver[Symbol.asyncDispose]();
});

const texts = () => slack.requests.map(({ body }) => (JSON.parse(body) as { text: string }).text);
const incidents = () =>
  pagerduty.requests.map(({ body }) => {
    const { event_action: action, dedup_key: key } = JSON.parse(body) as Record<string, string>;
    return [action, key];
  });

it('an alert fires under real traffic, is resolved without it, and is taken away by a reload', async () => {
  const config = (alerts: object[]) => ({
    ...quiet,
    server: { workers: 2 },
    upstreams: [{ url: node.url }],
    limits: { default: { requests: 5, period: '1s' } },
    events: {
      sinks: [
        {
          name: 'team',
          type: 'slack',
          url: slack.url,
          allow_private: true,
          events: ['config.reloaded'],
          min_severity: 'critical',
        },
        {
          name: 'on-call',
          type: 'pagerduty',
          url: pagerduty.url,
          routing_key: 'a'.repeat(32),
          allow_private: true,
          events: ['alert.*'],
        },
        { name: 'other', type: 'slack', url: other.url, allow_private: true, events: ['quota.*'] },
      ],
    },
    alerts,
  });
  const refusals = {
    name: 'refusals',
    when: 'refused_ratio > 50% for 1s',
    severity: 'error',
    sinks: ['team', 'on-call'],
  };
  const busy = { name: 'busy', when: 'calls_per_second > 5 for 1s' };
  const program = await startProgram({ config: config([refusals]) });
  try {
    const call = () =>
      fetch(program.url, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}' })
        .then((answer) => answer.text())
        .catch(() => '');
    const over = new AbortController();
    const traffic = (async () => {
      while (!over.signal.aborted) {
        await Promise.all(Array.from({ length: 10 }, call));
        await delay(50);
      }
    })();
    await expect.poll(texts, { timeout: 15_000 }).toEqual(['*Alert refusals*']);
    await expect
      .poll(incidents, { timeout: 5000 })
      .toEqual([['trigger', 'polymorph:default:alert:refusals']]);
    expect(slack.json()).toMatchObject({ attachments: [{ color: '#ef4444' }] });

    await program.reload(config([refusals, busy]));
    await expect
      .poll(incidents, { timeout: 15_000 })
      .toContainEqual(['trigger', 'polymorph:default:alert:busy']);
    // Still as it was: nothing is told twice.
    expect(texts()).toEqual(['*Alert refusals*']);

    over.abort();
    await traffic;
    await expect.poll(texts, { timeout: 15_000 }).toEqual(['*Alert refusals*', '*Alert refusals is over*']);
    await expect
      .poll(() => incidents().slice(2), { timeout: 5000 })
      .toEqual(
        expect.arrayContaining([
          ['resolve', 'polymorph:default:alert:refusals'],
          ['resolve', 'polymorph:default:alert:busy'],
        ]),
      );
    expect(program.output()).not.toMatch(/a{32}/);
    const said = program.logs().filter(({ kind }) => kind === 'alert');
    expect(said.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['alert refusals fires: refused_ratio > 50% for 1s', 'alert refusals is over']),
    );
    // Its sink wants quotas, and no alert names it.
    expect(other.requests).toEqual([]);
  } finally {
    await program.kill();
  }
});

it('one that fires as a reload takes it away is resolved', async () => {
  const before = pagerduty.requests.length;
  const config = (alerts: object[]) => ({
    ...quiet,
    store: 'none',
    server: { workers: 1 },
    // Nobody is there.
    upstreams: [{ url: 'http://127.0.0.1:9' }],
    health: { interval: '200ms' },
    events: {
      sinks: [
        {
          name: 'on-call',
          type: 'pagerduty',
          url: pagerduty.url,
          routing_key: 'b'.repeat(32),
          allow_private: true,
          events: ['alert.*'],
        },
      ],
    },
    alerts,
  });
  const program = await startProgram({ config: config([{ name: 'down', when: 'upstreams_down >= 1' }]) });
  try {
    const told = () => incidents().slice(before);
    await expect.poll(told, { timeout: 15_000 }).toEqual([['trigger', 'polymorph:default:alert:down']]);
    await program.reload(config([]));
    await expect.poll(told, { timeout: 5000 }).toEqual([
      ['trigger', 'polymorph:default:alert:down'],
      ['resolve', 'polymorph:default:alert:down'],
    ]);
  } finally {
    await program.kill();
  }
});
