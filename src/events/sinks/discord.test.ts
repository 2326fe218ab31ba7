import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../config/index.ts';
import type { DeliveryResult } from '../sink.ts';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { plainHttp } from '../testing/plain-http.ts';
import { discordMessageSchema } from '../testing/published-schemas.ts';
import { receiverCases } from '../testing/receiver-cases.ts';
import { startFaultyReceiver } from '../testing/faulty-receiver.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { sinkDeps } from '../testing/sink-deps.ts';
import { createDiscordSink, discordMessage, judgeDiscord } from './discord.ts';

const create = (url: string) =>
  createDiscordSink(
    sinkConfig('discord', { url, timeout: '300ms', allow_private: true }),
    sinkDeps({ http: plainHttp }),
  );

describe('discord', () => {
  it.each(eventTypes)('%s is a message as Discord publishes them', async (type) => {
    await using receiver = await startFaultyReceiver({ status: 200, body: '{"id":"1"}' });
    const event = exampleEvent(type);
    const results = await create(`${receiver.url}/hook?thread_id=7`).deliver(
      [deliveryOf(event)],
      AbortSignal.timeout(5000),
    );
    expect(results).toEqual([{ kind: 'delivered' }]);
    expect(receiver.requests[0]?.path).toBe('/hook?thread_id=7&wait=true');
    const message = discordMessageSchema.parse(receiver.json());
    expect(message.allowed_mentions).toEqual({ parse: [] });
    expect(message.embeds[0]?.footer.text).toContain(event.id);
  });

  it('reads as one would tell it', () => {
    expect(discordMessage(exampleEvent('quota.warning'))).toEqual({
      allowed_mentions: { parse: [] },
      embeds: [
        {
          title: '80 % of the quota used by key acme \\(Jk3n9QxA\\)',
          description: 'key acme \\(Jk3n9QxA\\) has used 800,000 of 1,000,000 calls of this month.',
          color: 0xf59e0b,
          timestamp: '2026-11-28T12:00:00.000Z',
          fields: [
            { name: 'Used', value: '800,000 of 1,000,000 calls', inline: true },
            { name: 'Quota of', value: 'the key, a month', inline: true },
            { name: 'Begins anew', value: '2026-12-01 00:00:00 UTC', inline: true },
            {
              name: 'What to do',
              value: 'When it is used up, calls are refused: tell the customer, or raise the quota.',
              inline: false,
            },
          ],
          footer: { text: expect.stringMatching(/^quota\\?\.warning · warning · [0-9a-f-]{36}$/) as string },
        },
      ],
    });
  });

  it.each([
    ['markdown and mentions', '@everyone **bold** ||hidden|| [a](https://evil.example) `code` <@1> '],
    ['nothing but what is escaped', '*_~`'],
    ['half a character at every bound', '😀'],
  ])('%s: escaped, and within every bound', (_, piece) => {
    const evil = piece.repeat(3000);
    const { data, ...event } = exampleEvent('method.blocked');
    const message = discordMessageSchema.parse(
      discordMessage({ ...event, subject: evil, data: { ...data, method: evil, pattern: evil } }),
    );
    const texts = [message.embeds[0]!.title, message.embeds[0]!.description];
    for (const { value } of message.embeds[0]!.fields) texts.push(value);
    for (const text of texts) {
      expect(text.isWellFormed()).toBe(true);
      expect(text.replace(/\\[^A-Za-z0-9]/g, '')).not.toMatch(/[@*_~`|<>[\]\\]|:\/\//);
    }
  });

  const judge = (status: number, body: object, headers: Record<string, string> = {}): DeliveryResult =>
    judgeDiscord({ status, headers, body: JSON.stringify(body) }, 0);

  it('a 429 says in its body how long to wait', () => {
    const body = { message: 'You are being rate limited.', retry_after: 64.57, global: false };
    expect(judge(429, body)).toMatchObject({ kind: 'retry', retryAfterMs: 64_570 });
    expect(judge(429, body, { 'retry-after': '65' })).toMatchObject({ retryAfterMs: 65_000 });
    expect(judge(429, { retry_after: 'soon' })).toMatchObject({ kind: 'retry', retryAfterMs: null });
  });

  it('a webhook that was deleted is gone, and a message that it cannot read is rejected', () => {
    expect(judge(404, { message: 'Unknown Webhook', code: 10_015 })).toMatchObject({ kind: 'gone' });
    expect(judge(401, { message: 'Invalid Webhook Token', code: 50_027 })).toMatchObject({ kind: 'gone' });
    expect(judge(404, { message: 'Unknown Channel', code: 10_003 })).toMatchObject({ kind: 'rejected' });
    expect(judge(400, { code: 50_035, errors: {} })).toMatchObject({ kind: 'rejected' });
  });

  describe('a receiver with faults', () => {
    receiverCases(create);
  });
});
