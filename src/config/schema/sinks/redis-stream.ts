import { record } from '../containers.ts';
import { integer, text } from '../fields.ts';
import { sinkFields } from './sink-fields.ts';

export const redisStreamSink = record(
  'Entries of a Redis stream, `XADD` each: `id`, `type`, and `event` as JSON.',
  {
    ...sinkFields('redis-stream', 'Entries of a Redis stream.'),
    url: text<string>({
      type: 'URL',
      about: 'Of Redis: `redis://user:password@host:6379/0`, or `rediss://` with TLS.',
      secret: true,
      expected: 'a URL such as redis://127.0.0.1:6379',
      parse(written) {
        if (!/^rediss?:\/\/[^/\s]/.test(written) || /[\s\p{Cc}]/u.test(written) || !URL.canParse(written))
          return undefined;
        return /^\/?(\d{1,5})?$/.test(new URL(written).pathname) ? written : undefined;
      },
    }),
    stream: text<string>({
      type: 'text',
      about: 'Key of the stream.',
      expected: 'a key: at most 255 characters',
      default: { written: 'polymorph:events', value: 'polymorph:events' },
      parse: (written) => (/^\P{Cc}{1,255}$/u.test(written) ? written : undefined),
    }),
    max_length: integer({
      min: 0,
      max: 1_000_000_000,
      default: 100_000,
      unit: 'entries',
      about: 'About how many the stream keeps (`MAXLEN ~`); the oldest go first. 0: all.',
    }),
    batch: integer({
      min: 1,
      max: 1000,
      default: 100,
      unit: 'events',
      about: 'Most sent in one pipeline.',
    }),
  },
);
