import { list, section } from './containers.ts';
import { duration, integer, text } from './fields.ts';
import { sinkEntry } from './sinks/index.ts';

export const eventsSection = section(
  'What happens, told as [events](events.md): which there are, and how they are delivered.',
  {
    source: text<string>({
      type: 'text',
      about: 'What events call this gateway (`source` of CloudEvents): the same for all instances.',
      expected: 'a URI or a path such as /polymorph: at most 255 visible characters',
      default: { written: '/polymorph', value: '/polymorph' },
      parse: (written) => (/^[\x21-\x7e]{1,255}$/.test(written) ? written : undefined),
    }),
    window: duration({
      min: '1s',
      max: '1d',
      default: '1m',
      about:
        'What happens again and again to the same subject is told at once, and then once in so much time with a count.',
    }),
    keep: duration({
      min: '1h',
      max: '3650d',
      default: '30d',
      about: 'How long events are kept in `store`, dead letters among them.',
    }),
    max_rows: integer({
      min: 1000,
      max: 100_000_000,
      default: 1_000_000,
      about:
        'How many events `store` keeps, about: beyond, the oldest that wait for no sink go; of floods (`rate_limit.exceeded`, `burst.*`, `method.blocked`) first, dead letters last.',
    }),
    sinks: list(sinkEntry, {
      type: 'list of sinks',
      about: 'Where events go. Several of each type may be given.',
      max: 100,
    }),
  },
);
