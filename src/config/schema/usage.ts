import { section } from './containers.ts';
import { choice, duration } from './fields.ts';
import { share } from './fractions.ts';

const YEARS = '3650d';

export const usageSection = section(
  'What is kept of the calls that were answered. Usage is written to journals in `server.state_dir` before an answer leaves, and from there to `store`.',
  {
    when_full: choice({
      values: ['refuse', 'serve_unmetered'],
      default: 'refuse',
      about:
        'While the disk of the journals is full: `refuse` answers calls with 503 before anything is forwarded; `serve_unmetered` goes on, and what does not fit is lost and counted.',
    }),
    raw_logs: choice({
      values: ['off', 'sampled', 'all'],
      default: 'off',
      about: 'Calls that get a row each in `usage_logs`, beside the sums.',
    }),
    raw_sample: share({ default: '1%', about: 'Of the calls, where `raw_logs` is `sampled`.' }),
    keep_journal: duration({
      min: '1m',
      max: '90d',
      default: '24h',
      about:
        'How long a journal stays after all of it was applied: a restored back-up of the store catches up from it.',
    }),
    keep_minutes: duration({
      min: '1h',
      max: YEARS,
      default: '7d',
      about: 'How long sums by minute are kept.',
    }),
    keep_hours: duration({ min: '1d', max: YEARS, default: '90d', about: 'How long sums by hour are kept.' }),
    keep_days: duration({
      // A month is invoiced after its end, and not always at once.
      min: '100d',
      max: YEARS,
      default: '1095d',
      about:
        'How long sums by day are kept: a month that began before that can be invoiced no more. Invoices are kept for ever.',
    }),
    keep_raw: duration({
      min: '1h',
      max: YEARS,
      default: '30d',
      about: 'How long rows of `usage_logs` are kept.',
    }),
  },
);
