import { describe, expect, it } from 'vitest';
import { eventTypes } from '../config/index.ts';
import { createEnvelopes, numbered } from './envelope.ts';
import { eventData } from './event.ts';
import { outboxEntry } from './outbox.ts';
import { sampleDrafts } from './samples.ts';

const envelope = createEnvelopes({
  source: () => '/polymorph',
  random: (bytes) => new Uint8Array(bytes).fill(0xff),
});

describe('events', () => {
  it.each(eventTypes)('%s: its sample is what its schema says, and nothing else', (type) => {
    const { data, ...draft } = sampleDrafts[type];
    expect(draft.type).toBe(type);
    expect(eventData[type].strict().parse(data)).toEqual(data);
  });

  it('are CloudEvents with a UUID v7 of their time', () => {
    const event = numbered(envelope(sampleDrafts['quota.warning']), 42);
    expect(event).toEqual({
      specversion: '1.0',
      id: '01a22206-ca00-7fff-bfff-ffffffffffff',
      source: '/polymorph',
      type: 'quota.warning',
      subject: 'key:Jk3n9QxA/acme',
      time: '2026-11-28T12:00:00.000Z',
      datacontenttype: 'application/json',
      tenant: 'default',
      severity: 'warning',
      sequence: '0000000000000000042',
      data: sampleDrafts['quota.warning'].data,
    });
    expect(Number.parseInt(event.id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.parse(event.time));
  });

  it('name no key, and no id of one', () => {
    for (const draft of Object.values(sampleDrafts))
      if (draft.keyId !== undefined) expect(JSON.stringify(envelope(draft))).not.toContain(draft.keyId);
  });

  it('hold nothing in the outbox that PostgreSQL’s jsonb refuses', () => {
    const draft = { ...sampleDrafts['config.reloaded'] };
    const problem = 'a\u0000b\ud800c\\u0000d';
    const { event } = outboxEntry(envelope({ ...draft, data: { ...draft.data, problem } }), draft, []);
    expect((JSON.parse(event) as typeof draft).data.problem).toBe(
      'a\ufffdb\ufffdc\\\ufffdd'.replace('\\\ufffd', '\\ufffd'),
    );
  });
});
