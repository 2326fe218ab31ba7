import type { EventDraft, Outbox } from '../../events/index.ts';
import type { HealthEvent, NetworkHealth } from '../../upstream/index.ts';

/** Sees that what was told to have begun is told to have ended, whatever happened in between. */
export interface Incidents {
  /** An event of health on its way: the draft of it, where it is one of an end that only this knows of. */
  health(event: HealthEvent): EventDraft | null;
  /** An alert fires in this process: its end is not that of one before. */
  fired(subject: string): void;
  /** Looks for ends: of upstreams that are watched no more, or were found up by a first check. */
  look(): void;
  /**
   * Reads what was open when the gateway last ended, and tells of the ends: of upstreams as in {@link look}, of Redis, of all alerts, since each
   * begins anew. Tries again while the store is away.
   */
  begin(): void;
  stop(): void;
}

/** As far as a gateway looks back. */
const BACK_MS = 7 * 86_400_000;
const ROWS_MAX = 1000;
const RETRY_MS = 5000;
export const watchedNoMore = 'it is watched no more';

interface Down {
  network: string;
  upstream: string;
  atMs: number;
}

export function createIncidents(parts: {
  outbox: Pick<Outbox, 'list'>;
  /** Others tell into the same store: their alerts are not ours to end. */
  shared: boolean;
  emit(draft: EventDraft): void;
  watched(): readonly Pick<NetworkHealth, 'network' | 'upstreams'>[];
  /** Whose Redis it is, and who tells of its return; null: there is none. */
  redis: { subject: string; wasDown(atMs: number): void } | null;
  epochMs(): number;
}): Incidents {
  const { outbox, emit, redis, epochMs } = parts;
  const down = new Map<string, Down>();
  /** Those that this process has told of: what the store says of them is not newer. */
  const told = new Set<string>();
  const beganAtMs = epochMs();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const endOf = (subject: string, { network, upstream, atMs }: Down, reason: string | null): EventDraft => {
    down.delete(subject);
    const nowMs = epochMs();
    const data = { network, upstream, downMs: Math.max(0, nowMs - atMs), reason };
    return { type: 'upstream.up', subject, severity: 'info', atMs: nowMs, data };
  };

  const look = (): void => {
    const networks = parts.watched();
    for (const [subject, one] of down) {
      const state = networks
        .find(({ network }) => network === one.network)
        ?.upstreams.find(({ upstream }) => upstream === one.upstream)?.state;
      if (state === undefined) emit(endOf(subject, one, watchedNoMore));
      else if (state === 'up') emit(endOf(subject, one, null));
    }
  };

  const read = async (): Promise<void> => {
    const from = epochMs() - BACK_MS;
    const newest = new Set<string>();
    const upstreams = await outbox.list({ types: ['upstream.down', 'upstream.up'], from }, ROWS_MAX);
    const alerts = parts.shared
      ? []
      : await outbox.list({ types: ['alert.firing', 'alert.resolved'], from, to: beganAtMs }, ROWS_MAX);
    for (const { event, atMs, type, deliveries } of [...upstreams, ...alerts]) {
      const { subject, severity, data } = JSON.parse(event) as EventDraft;
      if (newest.has(subject) || told.has(subject)) continue;
      newest.add(subject);
      if (type === 'upstream.down') {
        const { network, upstream } = data as { network: string; upstream: string };
        down.set(subject, { network, upstream, atMs });
      } else if (type === 'alert.firing') {
        const { alert, when } = data as { alert: string; when: string };
        const nowMs = epochMs();
        const end = { alert, when, value: null, firedMs: Math.max(0, nowMs - atMs) };
        const sinks = deliveries.map(({ sink }) => sink);
        emit({ type: 'alert.resolved', subject, severity, atMs: nowMs, sinks, data: end });
      }
    }
    look();
    if (redis === null) return;
    const ofRedis = await outbox.list({ types: ['redis.down', 'redis.up'], from }, ROWS_MAX);
    const last = ofRedis.find(({ event }) => (JSON.parse(event) as EventDraft).subject === redis.subject);
    if (last?.type === 'redis.down') redis.wasDown(last.atMs);
  };

  return {
    health(event) {
      if (event.type !== 'upstream.down' && event.type !== 'upstream.up') return null;
      const { network, upstream } = event;
      const subject = `upstream:${network}/${upstream}`;
      const before = down.get(subject);
      if (event.type === 'upstream.down') {
        told.add(subject);
        down.set(subject, before ?? { network, upstream, atMs: epochMs() });
        return null;
      }
      if (event.downMs !== null) {
        told.add(subject);
        down.delete(subject);
      }
      // The first check of another node of this name, or the first since a restart.
      return event.downMs === null && before !== undefined ? endOf(subject, before, null) : null;
    },
    fired: (subject) => void told.add(subject),
    look,
    begin() {
      if (stopped) return;
      read().catch(() => {
        if (!stopped) timer = setTimeout(() => this.begin(), RETRY_MS).unref();
      });
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
