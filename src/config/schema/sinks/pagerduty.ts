import { record } from '../containers.ts';
import { text } from '../fields.ts';
import { guardedFields, sinkFields } from './sink-fields.ts';
import { sinkUrl } from './sink-url.ts';

export const pagerdutySink = record(
  'Incidents of a PagerDuty service (Events API v2): opened by what happens, resolved by its end.',
  {
    ...sinkFields('pagerduty', 'Incidents in PagerDuty.'),
    routing_key: text<string>({
      type: 'text',
      about: 'Integration key of the service: 32 letters and digits.',
      secret: true,
      expected: 'an integration key of 32 letters and digits',
      parse: (written) => (/^[A-Za-z0-9]{32}$/.test(written) ? written : undefined),
    }),
    url: sinkUrl('Where events go. Accounts in Europe: `https://events.eu.pagerduty.com/v2/enqueue`.', {
      fallback: 'https://events.pagerduty.com/v2/enqueue',
    }),
    ...guardedFields,
  },
);
