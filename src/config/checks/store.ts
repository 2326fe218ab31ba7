import { isLoopback } from '../schema/addresses.ts';
import type { CheckContext } from './context.ts';

/** What is kept needs a place. */
export function checkStore({ parsed, config, error, warn }: CheckContext): void {
  const { store, server, usage } = config;
  if (store.kind !== 'none' && server.state_dir === null) {
    error(
      ['store'],
      'usage is written to journals in server.state_dir first, and that is none',
      'give server.state_dir a folder, or set store: none',
      'value',
      ['server', 'state_dir'],
    );
  }
  if (usage.raw_logs !== 'off' && store.kind === 'none') {
    warn(['usage', 'raw_logs'], 'has no effect: store is none', 'set store: sqlite');
  }
  if (store.kind !== 'none' && usage.keep_minutes < usage.keep_journal) {
    warn(
      ['usage', 'keep_minutes'],
      'shorter than usage.keep_journal: journals beyond it are compared to the whole hour only (polymorph reconcile)',
      'keep minutes as long as journals, or longer',
    );
  }
  if (parsed.store?.kind === 'postgres') {
    const { password, hostname, searchParams } = new URL(parsed.store.url);
    // Without a host it is a socket of this machine.
    const local = hostname === '' || isLoopback(hostname.replace(/^\[|\]$/g, ''));
    const secured = searchParams.has('sslmode') && searchParams.get('sslmode') !== 'disable';
    if (password !== '' && !local && !secured)
      warn(['store'], 'the password crosses the network in the clear', 'add ?sslmode=verify-full');
  }
}
