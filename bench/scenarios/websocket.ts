import type { Context } from '../context.ts';
import type { Figure } from '../figures.ts';
import { median } from '../statistics.ts';
import { type FanOut, type IdleSockets, measureFanOut, measureIdleSockets } from './listeners.ts';
import { measureSocketCost, type SocketCost } from './socket-cost.ts';

export interface Websocket {
  cost: SocketCost;
  idle: IdleSockets;
  fanOut: FanOut;
}

/** What a call over WebSocket costs, what a socket takes that only listens, and how fast a head is with all of them. */
export async function measureWebsocket(context: Context): Promise<Websocket> {
  const cost = await measureSocketCost(context);
  const idle = await measureIdleSockets(context);
  const fanOut = await measureFanOut(context);
  return { cost, idle, fanOut };
}

export function websocketFigures({ cost, idle, fanOut }: Websocket): Figure[] {
  const kilobytes = (resident: number) => ((resident - idle.base) * 1000) / idle.count;
  const sockets = idle.count.toLocaleString('en-US');
  const listeners = fanOut.count.toLocaleString('en-US');
  return [
    {
      name: 'CPU, a call over WebSocket',
      value: cost.ratio,
      unit: '× HTTP',
      target: { atMost: 1.5 },
      note: `${cost.socketMicros.toFixed(1)} µs beside ${cost.httpMicros.toFixed(1)}`,
    },
    {
      name: `resident, each of ${sockets} idle sockets`,
      value: kilobytes(idle.resident),
      unit: 'KB',
      target: { atMost: 24 },
    },
    {
      name: 'the same, once heads were sent',
      value: kilobytes(idle.residentAfterHeads),
      unit: 'KB',
      target: { atMost: 24 },
      note: `${idle.heads} to each`,
    },
    {
      name: `upstream subscriptions for ${sockets} sockets`,
      value: idle.upstreamSubscriptions,
      unit: 'subscriptions',
      target: { atMost: 1 },
    },
    {
      name: `a head to ${listeners} listeners`,
      value: median(fanOut.headsMs),
      unit: 'ms',
      target: { atMost: 250 },
      note: `the slowest of ${fanOut.headsMs.length}: ${Math.max(...fanOut.headsMs).toFixed(0)} ms; ${fanOut.cpuMs.toFixed(0)} ms CPU each`,
    },
  ];
}
