import type { AlertMetric } from '../alert-when.ts';
import type { CheckContext } from './context.ts';

/** What is known of each network by itself. */
const byNetwork = new Set<AlertMetric>([
  'refused_ratio',
  'error_ratio',
  'calls_per_second',
  'upstreams_down',
]);

/** Alerts name each other’s likes, sinks and networks; and some metrics are of one thing only. */
export function checkAlerts({ config, error }: CheckContext): void {
  const first = new Map<string, number>();
  const sinks = new Set(config.events.sinks.map(({ name }) => name));
  const networks = config.networks.map(({ name }) => name);
  for (const [index, { name, when, network, user, sinks: wanted }] of config.alerts.entries()) {
    const path = ['alerts', index];
    const { metric } = when;
    const before = first.get(name);
    if (before === undefined) first.set(name, index);
    else
      error(
        [...path, 'name'],
        (lineOf) => `${name} is the alert at ${lineOf(['alerts', before, 'name'])} already`,
        'give each a name of its own',
      );
    for (const [at, sink] of wanted.entries())
      if (!sinks.has(sink))
        error(
          [...path, 'sinks', at],
          `there is no sink ${sink}`,
          sinks.size === 0 ? 'events.sinks is empty' : `sinks: ${[...sinks].join(', ')}`,
        );
    if (network !== null && !byNetwork.has(metric))
      error([...path, 'network'], `${metric} is not counted by network`, 'leave it out');
    else if (network !== null && !networks.includes(network))
      error([...path, 'network'], `there is no network ${network}`, `networks: ${networks.join(', ')}`);
    if (metric === 'spend_forecast' && user === null)
      error([...path, 'when'], 'spend_forecast is of one user', 'add user: with an e-mail address or id');
    else if (metric === 'spend_forecast' && config.store.kind === 'none')
      error([...path, 'when'], 'there is no ledger: store is none', 'set store: sqlite');
    if (metric !== 'spend_forecast' && user !== null)
      error([...path, 'user'], `${metric} is not counted by user`, 'leave it out');
  }
}
