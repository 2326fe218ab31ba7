import type { CommandEntry } from './command.ts';

export { exitCodes } from './command.ts';
export { runProgram } from './program.ts';

/** All commands, in the order of `polymorph --help`. A new one is a file beside this one and a line here. */
export const commands: readonly CommandEntry[] = [
  { name: 'start', summary: 'run the gateway', load: () => import('./start.ts') },
  { name: 'check', summary: 'validate a config file', load: () => import('./check.ts') },
  { name: 'plan', summary: 'say what a new config changes', load: () => import('./plan.ts') },
  {
    name: 'simulate',
    summary: 'replay recorded traffic against a config',
    load: () => import('./simulate.ts'),
  },
  { name: 'schema', summary: 'print the JSON Schema of the config file', load: () => import('./schema.ts') },
  { name: 'users', summary: 'the users that keys belong to', load: () => import('./users.ts') },
  { name: 'keys', summary: 'API keys: make, rotate, disable, limit', load: () => import('./keys.ts') },
  { name: 'plans', summary: 'what users pay, and their keys’ limits', load: () => import('./plans.ts') },
  { name: 'usage', summary: 'what was called, by whom', load: () => import('./usage.ts') },
  { name: 'events', summary: 'what happened, and where it was told', load: () => import('./events.ts') },
  { name: 'invoice', summary: 'issue or print an invoice', load: () => import('./invoice.ts') },
  { name: 'reconcile', summary: 'prove that usage adds up', load: () => import('./reconcile.ts') },
  { name: 'migrate', summary: 'bring the store’s schema up to date', load: () => import('./migrate.ts') },
  { name: 'backup', summary: 'copy the embedded store', load: () => import('./backup.ts') },
  { name: 'top', summary: 'show who calls what, live', load: () => import('./top.ts') },
  { name: 'blocklist', summary: 'addresses that are refused', load: () => import('./blocklist.ts') },
  { name: 'explain', summary: 'say why a call was answered as it was', load: () => import('./explain.ts') },
];
