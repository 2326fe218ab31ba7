import type { Methods, Scope, Summary, Top } from '../../admin/index.ts';
import { tokenAsked, unreachable } from '../admin-url.ts';
import { askAdmin } from '../ask-admin.ts';
import { CommandFailure, exitCodes } from '../command.ts';
import type { Snapshot } from './sample.ts';
import type { OrderName } from './screen.ts';

/** Callers asked for: those that have called most since the start, and as many with the most of what they are sorted by. */
const CALLERS = 500;
const TIMEOUT_MS = 5000;

/** Asks a gateway's admin listener for its figures. */
export type AskStats = (order: OrderName) => Promise<Snapshot>;

/** Rejects with CommandFailure, which says what to do, where it is out of reach or refuses. */
export function createAskStats(
  base: URL,
  token: string | null,
  nowMs: () => number,
  /** undefined: as the gateway has it. */
  scope?: Scope,
): AskStats {
  const of = scope === undefined ? '' : `scope=${scope}`;
  async function get(path: string): Promise<unknown> {
    const answer = await askAdmin(base, { method: 'GET', path, token, timeoutMs: TIMEOUT_MS }).catch(
      (error: unknown) => {
        throw new CommandFailure(
          `${unreachable(base, error)}.\nIs the gateway running? Name its admin listener with --admin URL.`,
          exitCodes.usage,
        );
      },
    );
    if (answer.status === 200) return answer.body;
    if (answer.status === 401) throw new CommandFailure(`${tokenAsked(base)}.`, exitCodes.usage);
    throw new CommandFailure(
      `The admin listener at ${base.origin} answered HTTP ${answer.status} to ${path}: is it a gateway of this version?`,
      exitCodes.usage,
    );
  }

  return async (order) => {
    const atMs = nowMs();
    const topBy = (by: string) =>
      get(`/stats/top?by=${by}&limit=${CALLERS}${of && `&${of}`}`) as Promise<Top>;
    const [summary, top, others, methods] = await Promise.all([
      get(`/stats/summary${of && `?${of}`}`),
      topBy('calls'),
      order === 'calls' || order === 'ms' ? null : topBy(order),
      get(`/stats/methods${of && `?${of}`}`),
    ]);
    const listed = new Set(top.entries.map(({ id }) => id));
    const more = others?.entries.filter(({ id }) => !listed.has(id)) ?? [];
    return {
      ...{ atMs, summary: summary as Summary, methods: methods as Methods },
      top: { ...top, entries: [...top.entries, ...more] },
    };
  };
}
