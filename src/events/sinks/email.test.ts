import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes, type SinkConfigOf } from '../../config/index.ts';
import { deliveryOf, exampleEvent } from '../testing/example-event.ts';
import { plainHttp } from '../testing/plain-http.ts';
import { canary, receiverCases } from '../testing/receiver-cases.ts';
import { startFaultyReceiver } from '../testing/faulty-receiver.ts';
import { sinkConfig } from '../testing/sink-config.ts';
import { sinkDeps } from '../testing/sink-deps.ts';
import { createEmailSink } from './email.ts';

const body = '{"to": ["ops@example.com"], "subject": "{{title}}", "text": "{{ text }}", "html": "{{html}}"}';
const create = (url: string, fields: object = {}) =>
  createEmailSink(
    sinkConfig('email', {
      ...{ url, body, timeout: '300ms', allow_private: true },
      headers: { authorization: `Bearer ${canary}` },
      ...fields,
    }),
    sinkDeps({ http: plainHttp }),
  );
const signal = () => AbortSignal.timeout(5000);

describe('email', () => {
  it.each(eventTypes)('%s is a mail', async (type) => {
    await using receiver = await startFaultyReceiver({ status: 202 });
    const event = exampleEvent(type);
    expect(await create(receiver.url).deliver([deliveryOf(event)], signal())).toEqual([
      { kind: 'delivered' },
    ]);
    const mail = receiver.json() as Record<string, string>;
    expect(mail).toEqual({
      to: ['ops@example.com'],
      subject: expect.stringMatching(/^[^\n]{3,200}$/) as string,
      text: expect.stringContaining(`Id: ${event.id}\n`) as string,
      html: expect.stringMatching(/^<div [^]*<\/div>$/) as string,
    });
    expect(receiver.requests[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Bearer ${canary}`,
    });
  });

  it('has text for HTML of one’s own, and refuses text that is not escaped for it', async () => {
    await using receiver = await startFaultyReceiver({ status: 202 });
    const own =
      '{"html": "<h1>{{title_html}}</h1><p>{{text_html}}</p>{{html}} {{id}}", "subject": "{{title}}"}';
    const event = { ...exampleEvent('ip.banned'), subject: '<img src=//evil>' };
    await create(receiver.url, { body: own }).deliver([deliveryOf(event)], signal());
    const { html } = receiver.json() as { html: string };
    expect(html).toMatch(/^<h1>[^<>]*&#60;img src=\/\/evil&#62;[^<>]*<\/h1><p>/);
    expect(html).not.toContain('<img');
    const refused = 'stands in HTML and is not escaped for it';
    for (const name of ['title', 'text', 'subject', 'event', 'source'])
      expect(() => create(receiver.url, { body: `{"html": "<h1>{{ ${name} }}</h1>"}` })).toThrow(refused);
    const form = { content_type: 'application/x-www-form-urlencoded' };
    expect(() => create(receiver.url, { ...form, body: 'a=1&html=%3Cb%3E{{title}}%3C/b%3E' })).toThrow(
      refused,
    );
    expect(() => create(receiver.url, { content_type: 'text/plain', body: '<b>{{title}}</b>' })).toThrow(
      refused,
    );
    expect(() => create(receiver.url, { body: '{"a": "1 < 2 {{title}}"}' })).not.toThrow();
  });

  it('what a caller wrote breaks neither JSON, nor HTML, nor a form, nor a header', async () => {
    const url = 'http://127.0.0.1/';
    const inJson = sinkConfig('email', { url, body, headers: { 'x-about': 'about {{subject}}.' } });
    const inForm = sinkConfig('email', {
      ...{ url, body: 'a={{subject}}&b={{html}}' },
      content_type: 'application/x-www-form-urlencoded',
    });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (evil) => {
        const { data, ...event } = exampleEvent('method.blocked');
        const delivery = deliveryOf({ ...event, subject: evil, data: { ...data, method: `${evil}"}<i>` } });
        const seen: { headers: Record<string, string>; body: string }[] = [];
        const send = (config: SinkConfigOf<'email'>) =>
          createEmailSink(
            config,
            sinkDeps({
              http: (request) => {
                seen.push(request);
                return Promise.resolve({ status: 200, headers: {}, body: '' });
              },
            }),
          ).deliver([delivery], signal());
        await send(inJson);
        await send(inForm);
        const [json, form] = seen;
        const mail = JSON.parse(json!.body) as { subject: string; html: string };
        expect(mail.html).not.toContain('<i>');
        expect(mail.subject).not.toMatch(/[\r\n]/);
        expect(json!.headers['x-about']).toMatch(/^about [\x20-\x7e]*\.$/);
        const fields = new URLSearchParams(form!.body);
        expect([...fields.keys()]).toEqual(['a', 'b']);
        expect(fields.get('a')).toBe(evil.toWellFormed());
      }),
      { numRuns: 50 },
    );
  });

  it('the whole event can be sent, as it is or in a text', async () => {
    await using receiver = await startFaultyReceiver({ status: 200 });
    const delivery = deliveryOf(exampleEvent('upstream.up'));
    await create(receiver.url, { body: '{{event}}', content_type: 'text/plain', method: 'PUT' }).deliver(
      [delivery],
      signal(),
    );
    await create(receiver.url, { body: '{"note": "{{event}}"}' }).deliver([delivery], signal());
    expect(receiver.requests[0]).toMatchObject({ method: 'PUT', body: delivery.body });
    expect(receiver.json(1)).toEqual({ note: delivery.body });
  });

  it.each([
    ['{"subject": "{{titel}}"}', /unknown placeholder \{\{titel\}\}/],
    ['{"subject": {{title}}}', /is no JSON with its placeholders filled in/],
    ['', /found text of 0|expected text with placeholders/],
  ])('the body %s is refused as the config is read', (written, expected) => {
    expect(() => sinkConfig('email', { url: 'https://mail.example', body: written })).toThrow(expected);
  });

  describe('a receiver with faults', () => {
    receiverCases(create);
  });
});
