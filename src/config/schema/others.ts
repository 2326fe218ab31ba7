import { section } from './containers.ts';
import { choice, duration, integer } from './fields.ts';
import { share } from './fractions.ts';

export const identitySection = section('Who a caller is.', {
  anonymous: choice({
    values: ['allow', 'deny'],
    default: 'allow',
    about: 'Callers without a key: told apart by address, or refused (401).',
  }),
  ipv6_prefix: integer({
    min: 16,
    max: 128,
    default: 64,
    unit: 'bits',
    about: 'IPv6 addresses that agree in so many bits are one caller.',
  }),
});

export const explainSection = section('Decision records, for `polymorph explain`.', {
  keep: duration({
    min: '0',
    max: '24h',
    default: '15m',
    about:
      'How long they are kept, as far as they are by one of the latest eight policies: a reload makes a new one.',
  }),
  sample: share({ default: '1%', about: 'Of the calls that were not refused. Refusals are always kept.' }),
  max_records: integer({
    min: 0,
    max: 100_000,
    default: 10_000,
    unit: 'records',
    about: 'Most kept by each worker, of refusals and of others; the oldest go first.',
  }),
});

export const loggingSection = section('What is written to standard output, one JSON object a line.', {
  level: choice({
    values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    about: 'The least level written.',
  }),
  access_sample: share({ default: '0', about: 'Of the calls that get a line in the log.' }),
  access_max_per_second: integer({
    min: 1,
    max: 100_000,
    default: 200,
    unit: 'lines',
    about: 'Such lines that each worker writes; of more, the next line says how many there were.',
  }),
  format: choice({
    values: ['auto', 'json', 'pretty'],
    default: 'auto',
    about: '`auto`: readable on a terminal, else JSON.',
  }),
});
