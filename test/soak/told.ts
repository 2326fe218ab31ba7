import { Webhook } from 'standardwebhooks';
import { type Receiver, startReceiver } from '../../src/events/testing/receiver.ts';
import { eventually, type StoreGateway } from '../store/gateway.ts';

/** A receiver of webhooks that verifies each, and fails some. */
export interface Hook {
  readonly url: string;
  readonly secret: string;
  /** Of events that it has taken. */
  readonly ids: Set<string>;
  /** Everything that was sent to it. */
  text(): string;
  /** Signatures that were not right, and the like. */
  readonly wrong: readonly string[];
  close(): Promise<void>;
}

export interface ToldEvent {
  id: string;
  type: string;
  subject: string;
  time: string;
  data: { count?: number } & Record<string, unknown>;
}

const secret = `whsec_${Buffer.from('soak-secret-of-a-real-receiver').toString('base64')}`;
/** One attempt in so many fails. */
const FAILS = 25;
/** A sink that failed again and again is left alone for up to a minute. */
const SETTLED_MS = 75_000;
/** A receiver by the book takes five minutes. */
const LATE_MS = 60_000;

/** `clocks`: whoever sends may have another time than we. */
export async function startHook({ clocks = false } = {}): Promise<Hook> {
  const receiver: Receiver = await startReceiver();
  const ids = new Set<string>();
  const wrong: string[] = [];
  let attempts = 0;
  receiver.answer = ({ body, headers }, response) => {
    attempts += 1;
    if (attempts % FAILS === 0) {
      if (attempts % (2 * FAILS) === 0) response.destroy();
      else response.writeHead(503).end();
      return;
    }
    try {
      const at = clocks ? Number(headers['webhook-timestamp']) * 1000 : Date.now();
      const { id } = verify(body, headers as Record<string, string>, at);
      if (headers['webhook-id'] !== id)
        wrong.push(`webhook-id ${String(headers['webhook-id'])} of event ${id}`);
      ids.add(id);
    } catch (error) {
      wrong.push(`${String(error)}: ${body}`);
    }
    response.writeHead(204).end();
  };
  return {
    ...{ secret, ids, wrong },
    url: receiver.url,
    text: () => JSON.stringify(receiver.received),
    close: () => receiver.close(),
  };
}

/** The event, where its signature is right and its time no other than this; throws otherwise. */
function verify(body: string, headers: Record<string, string>, atMs: number): ToldEvent {
  const event = JSON.parse(body) as ToldEvent;
  const sentMs = Number(headers['webhook-timestamp']) * 1000;
  if (Math.abs(sentMs - atMs) > LATE_MS) throw new Error(`sent at ${sentMs}, and it is ${atMs}`);
  const signature = new Webhook(secret).sign(event.id, new Date(sentMs), body);
  if (headers['webhook-signature'] !== signature) throw new Error('another signature');
  return event;
}

/** All events of a store, the oldest first, once none waits for its delivery; what was given up, and what waits for too long. */
export async function settledEvents({
  operate,
}: StoreGateway): Promise<{ events: ToldEvent[]; dead: ToldEvent[]; waiting: object[] }> {
  let waiting: object[] = [];
  await eventually(async () => {
    waiting = (await operate('events.list', { state: 'waiting', limit: 20 }))['events'];
    return waiting.length === 0;
  }, SETTLED_MS).catch(() => undefined);
  return { events: await all({}), dead: await all({ state: 'dead' }), waiting };

  async function all(filter: object): Promise<ToldEvent[]> {
    const found: ToldEvent[] = [];
    for (let after: string | undefined; ; ) {
      const page = await operate('events.list', { ...filter, limit: 1000, ...(after && { after }) });
      found.push(...page['events'].map(({ event }: { event: ToldEvent }) => event));
      if (page['next'] === null) return found.toReversed();
      after = page['next'];
    }
  }
}

/** How often it happened, floods by their counts. */
export function countOf(events: readonly ToldEvent[], type: string): number {
  return events.filter((event) => event.type === type).reduce((sum, { data }) => sum + (data.count ?? 1), 0);
}
