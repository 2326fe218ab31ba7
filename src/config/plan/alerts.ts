import type { Config } from '../config.ts';

type Alerts = Config['alerts'];

/** By name: what is gained, lost, and waits for something else. */
export function planAlerts(from: Alerts, to: Alerts, say: (sentence: string) => void): void {
  const [before, after] = [from, to].map((alerts) => new Map(alerts.map((one) => [one.name, one])));
  for (const [name, alert] of after!) {
    const old = before!.get(name);
    if (old === undefined) say(`alerts gains ${name} (${alert.when.text}).`);
    else if (old.when.text !== alert.when.text)
      say(`alerts: ${name} is ${alert.when.text} (was ${old.when.text}), and begins anew.`);
    else if (JSON.stringify(old) !== JSON.stringify(alert)) say(`alerts: ${name} is told otherwise.`);
  }
  for (const name of before!.keys())
    if (!after!.has(name)) say(`alerts loses ${name}: if it fires, it is resolved.`);
}
