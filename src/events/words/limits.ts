import type { EventDataOf } from '../event.ts';
import { countText, momentText, spanText } from './quantities.ts';
import type { Fact, Teller } from './told.ts';

/** A summary says how often and in which time; the first tells of itself. */
function times({ count, windowMs }: { count: number; windowMs: number }): string {
  if (count === 1 && windowMs === 0) return 'once';
  return `${countText(count)} times in ${spanText(windowMs)}`;
}

const ruleFacts = (data: EventDataOf<'burst.used'>): Fact[] => [
  ['Rule', data.policy],
  ['Network', data.network],
  ['Method', data.method],
  ['Limit', `${countText(data.limit)} a period, burst ${countText(data.burst)}`],
  ['How often', times(data)],
];

const many = ({ count }: { count: number }): string => (count > 1 ? ` ${countText(count)} times` : '');

export const rateLimitExceeded: Teller<'rate_limit.exceeded'> = (data, { who }) => ({
  title: `Rate limit exceeded${many(data)} by ${who}`,
  text: `Calls were refused: ${who} sent more than the rule ${data.policy} lets through.`,
  facts: [
    ...ruleFacts(data),
    [
      'Next call after',
      data.retryAfterMs === null ? 'never: it costs too much' : spanText(data.retryAfterMs),
    ],
  ],
  advice:
    'If this caller is a good one, give its key a higher limit or a larger burst; if not, nothing needs to be done.',
  good: false,
});

export const burstUsed: Teller<'burst.used'> = (data, { who }) => ({
  title: `Burst in use by ${who}`,
  text: `${who} calls faster than the rule ${data.policy} refills, and draws on its burst. Nothing was refused.`,
  facts: ruleFacts(data),
  advice: null,
  good: false,
});

export const burstDepleted: Teller<'burst.depleted'> = (data, { who }) => ({
  title: `Burst used up by ${who}`,
  text: `${who} has drawn all of its burst under the rule ${data.policy}: calls are refused from here on.`,
  facts: ruleFacts(data),
  advice: 'A larger burst or a higher limit for this key would let such peaks through.',
  good: false,
});

export const methodBlocked: Teller<'method.blocked'> = (data, { who }) => ({
  title: `Blocked method called${many(data)} by ${who}`,
  text: `${who} called ${data.method}, which the pattern ${data.pattern} blocks. It was not forwarded.`,
  facts: [
    ['Method', data.method],
    ['Blocked by', data.pattern],
    ['Network', data.network],
    ['How often', times(data)],
  ],
  advice: 'If it should be allowed, change methods.blocked; who goes on trying may be banned.',
  good: false,
});

const unitText = { requests: 'calls', cost: 'cost units' } as const;

const quotaFacts = (data: EventDataOf<'quota.exceeded'> | EventDataOf<'quota.warning'>): Fact[] => [
  ['Used', `${countText(data.used)} of ${countText(data.limit)} ${unitText[data.unit]}`],
  ['Quota of', `the ${data.of}, a ${data.period}`],
  ['Begins anew', momentText(data.resetsAt)],
];

export const quotaWarning: Teller<'quota.warning'> = (data, { who }) => ({
  title: `${countText(data.percent)} % of the quota used by ${who}`,
  text: `${who} has used ${countText(data.used)} of ${countText(data.limit)} ${unitText[data.unit]} of this ${data.period}.`,
  facts: quotaFacts(data),
  advice: 'When it is used up, calls are refused: tell the customer, or raise the quota.',
  good: false,
});

export const quotaExceeded: Teller<'quota.exceeded'> = (data, { who }) => ({
  title: `Quota used up by ${who}`,
  text: `${who} has used all of this ${data.period}’s quota. Calls are refused until ${momentText(data.resetsAt)}.`,
  facts: [...quotaFacts(data), ['Refused', times(data)]],
  advice: 'Raise the quota, or give the key another plan.',
  good: false,
});
