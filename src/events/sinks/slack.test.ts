import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../config/index.ts';
import type { DeliveryResult } from '../sink.ts';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { plainHttp } from '../testing/plain-http.ts';
import { slackMessageSchema } from '../testing/published-schemas.ts';
import { receiverCases } from '../testing/receiver-cases.ts';
import { startFaultyReceiver } from '../testing/faulty-receiver.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { sinkDeps } from '../testing/sink-deps.ts';
import { createSlackSink, judgeSlack, slackMessage } from './slack.ts';

const create = (url: string) =>
  createSlackSink(
    sinkConfig('slack', { url, timeout: '300ms', allow_private: true }),
    sinkDeps({ http: plainHttp }),
  );

describe('slack', () => {
  it.each(eventTypes)('%s is a message as Slack publishes them', async (type) => {
    await using receiver = await startFaultyReceiver({ status: 200, body: 'ok' });
    const event = exampleEvent(type);
    const results = await create(receiver.url).deliver([deliveryOf(event)], AbortSignal.timeout(5000));
    expect(results).toEqual([{ kind: 'delivered' }]);
    expect(receiver.requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    const message = slackMessageSchema.parse(receiver.json());
    expect(JSON.stringify(message)).toContain(event.id);
  });

  it('reads as one would tell it', () => {
    expect(slackMessage(exampleEvent('upstream.down'))).toEqual({
      text: '*Upstream node-1 of mainnet is down*',
      attachments: [
        {
          color: '#ef4444',
          fallback: 'Upstream node-1 of mainnet is down',
          blocks: [
            section('It gets no calls until its checks pass again: connection refused'),
            {
              type: 'section',
              fields: [
                mrkdwn('*Network*\nmainnet'),
                mrkdwn('*Upstream*\nnode-1'),
                mrkdwn('*Reason*\nconnection refused'),
              ],
            },
            section(
              ':bulb: Other upstreams of the network take over where there are any. Look at the node, and at /readyz.',
            ),
            {
              type: 'context',
              elements: [
                mrkdwn(
                  `upstream.down · error · 2026-11-28 12:00:00 UTC · ${exampleEvent('upstream.down').id}`,
                ),
              ],
            },
          ],
        },
      ],
    });
  });

  it('makes neither mentions nor links of what a caller wrote, and keeps every bound', () => {
    const evil = `<!channel> <https://evil.example|click> & \u202e\n${'<&>'.repeat(5000)}`;
    const { data, ...event } = exampleEvent('method.blocked');
    const message = slackMessageSchema.parse(
      slackMessage({ ...event, subject: evil, data: { ...data, method: evil, pattern: evil } }),
    );
    const text = JSON.stringify(message);
    expect(text).not.toMatch(/<|>|\u202e/);
    expect(text).toContain('&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp;');
    // No escape is cut in two.
    expect(text.replace(/&(amp|lt|gt);/g, '')).not.toContain('&');
  });

  const word = (status: number, body: string): DeliveryResult => judgeSlack({ status, headers: {}, body }, 0);

  it.each(['no_service', 'no_team', 'team_disabled', 'no_active_hooks'])('%s: nobody is there', (body) => {
    expect(word(404, body)).toEqual({ kind: 'gone', problem: `HTTP 404: ${body}` });
  });

  it.each([
    [404, 'channel_not_found'],
    [403, 'action_prohibited'],
    [400, 'invalid_payload'],
  ])('%i %s: this one is never taken', (status, body) => {
    expect(word(status, body)).toEqual({ kind: 'rejected', problem: `HTTP ${status}: ${body}` });
  });

  it('a 200 that is not Slack’s is no delivery', () => {
    expect(word(200, '<html>Sign in to the hotel’s network</html>')).toMatchObject({ kind: 'retry' });
    expect(word(200, '{"ok":true}')).toEqual({ kind: 'delivered' });
    expect(word(500, 'rollup_error')).toMatchObject({ kind: 'retry' });
  });

  describe('a receiver with faults', () => {
    receiverCases(create);
  });
});

function mrkdwn(text: string): object {
  return { type: 'mrkdwn', text, verbatim: true };
}

function section(text: string): object {
  return { type: 'section', text: mrkdwn(text) };
}
