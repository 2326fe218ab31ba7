import { parseCidr } from '../../identity/index.ts';
import type { CheckContext } from './context.ts';

/** What the blocklist's parts say together. */
export function checkBlocklist({ config, error, warn }: CheckContext): void {
  const { auto_ban: autoBan, deny, mode } = config.blocklist;
  if (autoBan !== null && autoBan.ban_max < autoBan.ban_for) {
    error(['blocklist', 'auto_ban', 'ban_max'], 'shorter than ban_for', 'raise ban_max', 'value', [
      'blocklist',
      'auto_ban',
      'ban_for',
    ]);
  }
  if (autoBan !== null && Object.values(autoBan.weights).every((weight) => weight === 0)) {
    warn(['blocklist', 'auto_ban'], 'has no effect: all weights are 0', 'give a violation a weight');
  }
  const all = deny.findIndex((entry) => parseCidr(entry)?.bits === 0);
  if (all >= 0 && mode === 'enforce') {
    warn(['blocklist', 'deny', all], 'refuses every address of its kind that allow does not name');
  }
}
