import type { CommandEntry } from './command.ts';

export { exitCodes } from './command.ts';
export { runProgram } from './program.ts';

/** All commands, in the order of `polymorph --help`. A new one is a file beside this one and a line here. */
export const commands: readonly CommandEntry[] = [
  { name: 'start', summary: 'run the gateway', load: () => import('./start.ts') },
  { name: 'check', summary: 'validate a config file', load: () => import('./check.ts') },
  { name: 'plan', summary: 'say what a new config changes', load: () => import('./plan.ts') },
  { name: 'schema', summary: 'print the JSON Schema of the config file', load: () => import('./schema.ts') },
  { name: 'explain', summary: 'say why a call was answered as it was', load: () => import('./explain.ts') },
];
