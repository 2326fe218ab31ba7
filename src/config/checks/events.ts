import { isIP } from 'node:net';
import { isLoopback } from '../schema/addresses.ts';
import { emailFault } from '../schema/sinks/email.ts';
import type { CheckContext } from './context.ts';

/** Sinks have names of their own, and what they need. */
export function checkEvents({ config, error, warn }: CheckContext): void {
  const seen = new Map<string, number>();
  for (const [index, sink] of config.events.sinks.entries()) {
    const path = ['events', 'sinks', index];
    const first = seen.get(sink.name);
    if (first === undefined) seen.set(sink.name, index);
    else
      error(
        [...path, 'name'],
        (lineOf) => `${sink.name} is the sink at ${lineOf(['events', 'sinks', first, 'name'])} already`,
        'give each a name of its own',
      );
    if (sink.type === 'database' && config.store.kind === 'none')
      error([...path, 'type'], 'there is no database: store is none', 'set store: sqlite');
    if (sink.type === 'email') {
      const fault = emailFault(sink);
      if (fault !== null) error([...path, 'body'], fault.message, fault.suggestion);
    }
    if (!('allow_private' in sink)) continue;
    if (sink.type === 'webhook' && sink.secrets.length === 0)
      warn(
        [...path],
        'no secrets: whoever gets its events cannot tell that they are ours',
        'add secrets: [${WEBHOOK_SECRET}]',
      );
    const { protocol, hostname } = new URL(sink.url);
    const host = hostname.replace(/^\[|\]$/g, '');
    if (protocol === 'http:' && !isLoopback(host))
      warn([...path, 'url'], 'events cross the network in the clear', 'use https');
    if (!sink.allow_private && (host === 'localhost' || (isIP(host) !== 0 && isLoopback(host))))
      warn([...path, 'url'], 'a loopback address is refused', 'set allow_private: true');
  }
}
