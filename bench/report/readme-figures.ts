import { format } from '../figures.ts';
import type { Results } from './results.ts';
import { markdownTable } from './table.ts';

const begin = '<!-- Figures written by `npm run bench`; a change here is lost at the next run. -->';
const end = '<!-- End of the figures. -->';

/** What a reader of the README wants to know of each row of the table of CPU. */
const rows: Readonly<Record<string, string>> = {
  nginx: 'nginx: `proxy_pass`, `limit_req`',
  haproxy: 'HAProxy: a stick table',
  single: 'PolymorphProxy, upstream mode `single` (the default)',
  pipelined: '… `pipelined`',
  batched: '… `batched`',
  refused: '… a call that a limit refuses',
  cached: '… an answer from the cache',
};

/** The README with the figures of this run in place of those it has. Throws where it has no place for them. */
export function withReadmeFigures(readme: string, results: Results): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from === -1 || to < from) throw new Error('README.md has no place for the figures');
  return `${readme.slice(0, from + begin.length)}\n\n${figuresBlock(results)}\n\n${readme.slice(to)}`;
}

function figuresBlock({ at, commit, machine, figures, cost, latency }: Results): string {
  const figure = (name: string): string => {
    const found = figures.find((one) => one.name === name);
    if (found === undefined) throw new Error(`No figure is called ${name}`);
    return format(found.value, found.unit);
  };
  const table = (cost ?? [])
    .filter(({ name }) => name in rows)
    .map(({ name, microsPerRequest, ratio, requestsPerSecond }) => [
      rows[name] ?? name,
      `${microsPerRequest.toFixed(1)} µs`,
      ratio.toFixed(2),
      Math.round(requestsPerSecond).toLocaleString('en-US'),
    ]);
  const rate = Math.round(latency?.rate ?? Number.NaN).toLocaleString('en-US');
  return [
    `Measured ${at.slice(0, 10)} at commit ${commit}: one core of ${machine.cores} (${machine.cpu}), Node ${machine.node}, nginx ${machine.nginx},
HAProxy ${machine.haproxy}; calls of 200 bytes on 64 connections, a node that answers from memory.`,
    markdownTable(['', 'CPU a call', '× nginx', 'calls/s'], table),
    `- At half load (${rate} calls/s) \`single\` adds ${figure('added p50, single, evenly')} ms (p50) and ${figure('added p99, single, evenly')} ms (p99).
- Main thread and two workers take ${figure('resident, main + 2 workers, idle')} MB idle; a million callers add ${figure('resident, added by 1,000,000 callers')} MB.
- A new config with 10,000 keys acts ${figure('reload with 10,000 keys, until it acts')} ms after it was written; ${figure('calls dropped meanwhile')} calls are dropped.
- A new block reaches 5,000 listeners in ${figure('a head to 5,000 listeners')} ms, by ${figure('upstream subscriptions for 10,000 sockets')} subscription upstream.`,
  ].join('\n\n');
}
