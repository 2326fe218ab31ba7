import { countText, momentText, spanText } from './quantities.ts';
import type { Fact, Teller } from './told.ts';

export const configReloaded: Teller<'config.reloaded'> = (data) => {
  const facts: Fact[] = [
    ['Config', data.hash],
    ['Generation', countText(data.generation)],
    ...data.restartNeeded.map((what): Fact => ['Waits for a restart', what]),
  ];
  if (data.ok) {
    return {
      title: 'Config reloaded',
      text: 'The new config holds in all workers. No call was dropped.',
      facts,
      advice: data.restartNeeded.length > 0 ? 'Some of it holds after a restart only.' : null,
      good: true,
    };
  }
  return {
    title: 'Config not reloaded',
    text: `The new config was refused, and the old one goes on: ${data.problem ?? 'unknown reason'}`,
    facts,
    advice: 'Run polymorph check on the file: it says what is wrong, by line and column.',
    good: false,
  };
};

export const ipBanned: Teller<'ip.banned'> = (data, { who }) => {
  const until = data.until === null ? 'until it is lifted' : `until ${momentText(data.until)}`;
  return {
    title: data.simulated ? `${who} would have been banned` : `${who} banned`,
    text: data.simulated
      ? `The blocklist only simulates: nothing is refused. Otherwise ${who} would be banned ${until}.`
      : `All calls from ${who} are refused ${until}.`,
    facts: [
      ['Reason', data.reason],
      ['By', data.by === 'auto' ? 'auto-ban' : data.by],
      ['Until', data.until === null ? 'lifted' : momentText(data.until)],
      ['Times banned', countText(data.times)],
    ],
    advice: `If it was a mistake: polymorph blocklist remove ${who}`,
    good: false,
  };
};

export const ipUnbanned: Teller<'ip.unbanned'> = (data, { who }) => ({
  title: `${who} no longer banned`,
  text: data.reason === 'expired' ? 'The ban has run its time.' : `The ban was lifted by ${data.by}.`,
  facts: [['Reason', data.reason]],
  advice: null,
  good: true,
});

export const upstreamDown: Teller<'upstream.down'> = (data) => ({
  title: `Upstream ${data.upstream} of ${data.network} is down`,
  text: `It gets no calls until its checks pass again: ${data.reason}`,
  facts: [
    ['Network', data.network],
    ['Upstream', data.upstream],
    ['Reason', data.reason],
  ],
  advice: 'Other upstreams of the network take over where there are any. Look at the node, and at /readyz.',
  good: false,
});

export const upstreamUp: Teller<'upstream.up'> = (data) => ({
  title: `Upstream ${data.upstream} of ${data.network} is ${data.reason === null ? 'up again' : 'down no more'}`,
  text: `It was down for ${spanText(data.downMs)}${data.reason === null ? ' and gets calls again' : `: ${data.reason}`}.`,
  facts: [
    ['Network', data.network],
    ['Upstream', data.upstream],
    ['Was down for', spanText(data.downMs)],
  ],
  advice: null,
  good: true,
});

export const redisDown: Teller<'redis.down'> = (data) => ({
  title: 'Redis is away',
  text: `Limits go on by each instance’s share until it is back: ${data.reason}`,
  facts: [
    ['Seen by', data.instance],
    ['Reason', data.reason],
  ],
  advice: 'Calls are served meanwhile. Look at Redis, at the network to it, and at /readyz of each instance.',
  good: false,
});

export const redisUp: Teller<'redis.up'> = (data) => ({
  title: 'Redis is back',
  text: `It was away for ${spanText(data.downMs)}. Instances share their limits again.`,
  facts: [
    ['Seen by', data.instance],
    ['Was away for', spanText(data.downMs)],
    ['Times it went', countText(data.losses)],
  ],
  advice: null,
  good: true,
});

export const alertFiring: Teller<'alert.firing'> = (data) => ({
  title: `Alert ${data.alert}`,
  text: `${data.when}: it is ${countText(data.value)} now.`,
  facts: [
    ['Rule', data.when],
    ['Value', countText(data.value)],
    ['Threshold', countText(data.threshold)],
    ['Since', momentText(data.since)],
  ],
  advice: 'polymorph top and /metrics show who and what is behind it.',
  good: false,
});

export const alertResolved: Teller<'alert.resolved'> = (data) => ({
  title: `Alert ${data.alert} is over`,
  text: `${data.when} no longer holds: it is ${data.value === null ? 'not known' : countText(data.value)} now.`,
  facts: [
    ['Rule', data.when],
    ...(data.value === null ? [] : [['Value', countText(data.value)] as const]),
    ['Fired for', spanText(data.firedMs)],
  ],
  advice: null,
  good: true,
});
