import { setTimeout as delay } from 'node:timers/promises';
import type { Summary } from '../../src/admin/index.ts';
import { sumOf } from '../stats/metrics-page.ts';
import { eventually, type StoreGateway } from '../store/gateway.ts';
import { compareBooks, compareLedger, readJournals, readLedger, sum, type Usage } from './books.ts';
import type { Scene } from './scene.ts';
import { countOf, settledEvents, type ToldEvent } from './told.ts';

/** What a run left behind, read once it was at rest. */
export interface Evidence {
  journal: Usage;
  ledger: Usage;
  /** Of each instance. */
  summaries: Summary[];
  metrics: string[];
  events: ToldEvent[];
  dead: ToldEvent[];
  /** Not delivered to all sinks in time. */
  waiting: object[];
  reconciled: Record<string, unknown>;
  /** Everything that was written or told anywhere. */
  said: string;
}

const SETTLED_MS = 30_000;
/** `events.window`, and the beat of a worker: what was counted in it is told then. */
const WINDOW_OVER_MS = 1500;

/** Waits until all that is under way has come to its end. `times`: of the ledger; default: this month. */
export async function gather(scene: Scene, times?: object): Promise<Evidence> {
  const { gateways, folders } = scene;
  const [first] = gateways as [StoreGateway, ...StoreGateway[]];
  const summaryOf = async ({ page }: StoreGateway): Promise<Summary> =>
    (await (await page('/stats/summary?scope=instance')).json()) as Summary;
  await delay(WINDOW_OVER_MS);
  for (const gateway of gateways)
    await eventually(async () => (await summaryOf(gateway)).usage?.lagBytes === 0, SETTLED_MS);
  let ledger = await readLedger(first, times);
  // It is applied once a second, by each instance.
  await eventually(async () => {
    const before = ledger;
    ledger = await readLedger(first, times);
    return (
      compareLedger(before, ledger).length === 0 && compareLedger(readJournals(folders), ledger).length === 0
    );
  }, SETTLED_MS).catch(() => {});
  const { events, dead, waiting } = await settledEvents(first);
  const journals = folders.slice(1).map((folder) => `${folder}/.polymorph/journal`);
  const metrics = await Promise.all(gateways.map(async ({ page }) => (await page('/metrics')).text()));
  const pages = await Promise.all(
    gateways.flatMap(({ page }) =>
      ['/stats/top?limit=1000', '/readyz'].map(async (path) => (await page(path)).text()),
    ),
  );
  return {
    ...{ ledger, metrics, events, dead, waiting, journal: readJournals(folders) },
    summaries: await Promise.all(gateways.map(summaryOf)),
    reconciled: await first.operate('reconcile', { ...times, journals }),
    said: [scene.output(), scene.hook.text(), JSON.stringify(events), ...metrics, ...pages].join('\n'),
  };
}

/** Ledger = journal = what the load counted, but for answers that a kill cut off. `bursts`: the load could tell those, too. */
export function judgeUsage(
  scene: Scene,
  { journal, ledger, reconciled }: Pick<Evidence, 'journal' | 'ledger' | 'reconciled'>,
  bursts: boolean,
): string[] {
  const limited = bursts ? scene.limitedLine : undefined;
  return [
    ...compareLedger(journal, ledger),
    ...compareBooks(scene.books, ledger, (line) => line === limited),
    ...(reconciled['ok'] === true ? [] : [`reconcile: ${JSON.stringify(reconciled)}`]),
  ];
}

/** The figures of all instances are those of the ledger, and a page of `/metrics` those of `/stats`. */
export function judgeFigures({
  summaries,
  metrics,
  ledger,
}: Pick<Evidence, 'summaries' | 'metrics' | 'ledger'>): string[] {
  const wrong: string[] = [];
  const same = (what: string, a: number, b: number): void => {
    if (a !== b) wrong.push(`${what}: ${a} and ${b}`);
  };
  const total = (name: keyof Summary['totals']): number =>
    summaries.reduce((all, { totals }) => all + totals[name], 0);
  same(
    'calls of /stats and ledger',
    total('allowed') + total('burst') - total('failed'),
    sum(ledger, 'calls'),
  );
  same('refused of /stats and ledger', total('exceeded') + total('quota'), sum(ledger, 'refused'));
  for (const name of ['cost', 'errors', 'events'] as const)
    same(`${name} of /stats and ledger`, total(name), sum(ledger, name));
  summaries.forEach(({ totals }, at) => {
    const page = metrics[at]!;
    for (const outcome of [
      'allowed',
      'burst',
      'exceeded',
      'blocked',
      'quota',
      'unauthorized',
      'forbidden',
      'invalid',
    ] as const)
      same(
        `${outcome} of /metrics and /stats`,
        sumOf(page, 'polymorph_requests_total', { outcome }),
        totals[outcome],
      );
    same('calls of /metrics and /stats', sumOf(page, 'polymorph_requests_total'), totals.calls);
    same('cost of /metrics and /stats', sumOf(page, 'polymorph_cost_units_total'), totals.cost);
  });
  return wrong;
}

/** What a dead worker may take along: what it counted in its last 100 ms. */
const FOLDED_A_DEATH = 40;

/** All that happened was told, and all that was told was delivered to every sink. */
export function judgeEvents(
  scene: Scene,
  { events, dead, waiting }: Pick<Evidence, 'events' | 'dead' | 'waiting'>,
): string[] {
  const { load, hook, intruders, gateways, reloads, sky } = scene;
  const { byOutcome, lost } = load.judge.counts;
  const wrong = dead.map((event) => `given up: ${JSON.stringify(event)}`);
  for (const { id, type } of events)
    if (!hook.ids.has(id)) wrong.push(`${type} ${id} never came to the webhook`);
  wrong.push(...hook.wrong, ...waiting.map((event) => `still waits: ${JSON.stringify(event)}`));
  const slack = sky.count('worker') * FOLDED_A_DEATH;
  const between = (type: string, least: number, most: number): void => {
    const told = countOf(events, type);
    if (told < least || told > most) wrong.push(`${type}: ${told} told, expected ${least} to ${most}`);
  };
  const of = (outcome: keyof typeof byOutcome): number => byOutcome[outcome] ?? 0;
  between('method.blocked', of('blocked') - slack, of('blocked') + lost);
  between('rate_limit.exceeded', of('limited') - slack, of('limited') + lost);
  between('quota.exceeded', of('quota') - slack, of('quota') + lost);
  const made = (reloads.applied + reloads.refused) * gateways.length;
  between('config.reloaded', made, made);
  const banned = new Set(events.filter(({ type }) => type === 'ip.banned').map(({ subject }) => subject));
  for (const address of intruders.banned)
    if (!banned.has(address)) wrong.push(`${address} was banned and nobody told`);
  between('ip.unbanned', intruders.ended, Infinity);
  return wrong;
}

/** No key is in anything that was written or told. */
export function judgeSecrets(secrets: readonly string[], { said }: Pick<Evidence, 'said'>): string[] {
  return secrets.filter((secret) => said.includes(secret)).map((secret) => `told: ${secret}`);
}
