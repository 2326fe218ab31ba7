import { Agent } from 'node:http';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { connectSocket } from '../../src/gateway/testing/socket.ts';

/** What came of calls, as the test itself counted them. */
export interface Tally {
  sent: number;
  answered: number;
  exceeded: number;
  blocked: number;
  quota: number;
  unauthorized: number;
  errors: number;
  /** Nothing came back. */
  lost: number;
  /** What should not be. */
  others: Record<string, number>;
}

export interface TallyKey {
  key: string | null;
  method: string;
}

const byCode: Record<number, keyof Omit<Tally, 'others'>> = {
  [-32005]: 'exceeded',
  [-32004]: 'blocked',
  402: 'quota',
  [-32001]: 'unauthorized',
  3: 'errors',
};

/** Sends so many calls, singly, in batches of ten and over WebSockets, and counts what comes back. */
export async function sendMixed(port: number, calls: number, kinds: readonly TallyKey[]): Promise<Tally> {
  const tally: Tally = {
    ...{ sent: 0, answered: 0, exceeded: 0, blocked: 0, quota: 0, unauthorized: 0, errors: 0, lost: 0 },
    others: {},
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 24 });
  let next = 0;
  const kindOf = () => kinds[next % kinds.length]!;
  const text = ({ method }: TallyKey) => callText(method, String(++next));
  const take = (answer: { error?: { code: number } } | undefined) => {
    if (answer?.error === undefined) tally.answered++;
    else if (answer.error.code in byCode) tally[byCode[answer.error.code]!]++;
    else tally.others[answer.error.code] = (tally.others[answer.error.code] ?? 0) + 1;
  };
  const headersOf = ({ key }: TallyKey): Record<string, string> => (key === null ? {} : { 'x-api-key': key });

  async function overHttp(size: number): Promise<void> {
    while (tally.sent < calls) {
      const kind = kindOf();
      const texts = Array.from({ length: size }, () => text(kind));
      tally.sent += size;
      try {
        const body = size === 1 ? texts[0]! : `[${texts.join()}]`;
        const { json } = await send(port, { agent, headers: headersOf(kind), body });
        if (json === undefined) throw new Error('cut short');
        for (const answer of Array.isArray(json) ? json : [json]) take(answer as never);
      } catch {
        tally.lost += size;
      }
    }
  }

  async function overSocket(kind: TallyKey): Promise<void> {
    while (tally.sent < calls) {
      let open = 0;
      try {
        const socket = await connectSocket(port, { headers: headersOf(kind) });
        while (tally.sent < calls) {
          for (; open < 8; open++) {
            socket.send(text(kind));
            tally.sent++;
          }
          for (; open > 0; open--) take((await socket.take(1))[0]!.json as never);
        }
        socket.close();
      } catch {
        tally.lost += open;
      }
    }
  }

  const sockets = kinds.filter(({ method }) => method === 'plain');
  await Promise.all([
    ...Array.from({ length: 12 }, () => overHttp(1)),
    ...Array.from({ length: 4 }, () => overHttp(10)),
    ...sockets.map(overSocket),
  ]);
  agent.destroy();
  return tally;
}
