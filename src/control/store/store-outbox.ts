import type { Outbox } from '../../events/index.ts';
import type { OutboxVerb } from './messages.ts';
import type { StoreLink } from './store-link.ts';

/** The store's outbox, asked for by main. */
export function createStoreOutbox(link: Pick<StoreLink, 'ask'>): Outbox {
  const ask =
    <Verb extends OutboxVerb>(verb: Verb) =>
    (...args: Parameters<Outbox[Verb]>): ReturnType<Outbox[Verb]> =>
      link.ask('outbox', { verb, args }) as ReturnType<Outbox[Verb]>;
  return {
    add: ask('add'),
    unrouted: ask('unrouted'),
    route: ask('route'),
    due: ask('due'),
    claim: ask('claim'),
    settle: ask('settle'),
    renew: ask('renew'),
    release: ask('release'),
    recover: ask('recover'),
    abandon: ask('abandon'),
    disabled: ask('disabled'),
    disable: ask('disable'),
    enable: ask('enable'),
    recordBilling: ask('recordBilling'),
    list: ask('list'),
  };
}
