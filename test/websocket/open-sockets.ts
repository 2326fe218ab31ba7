import type { Program } from '../program.ts';

/** What `GET /sockets` of the admin listener says. */
export interface OpenSockets {
  total: number;
  sockets: { id: string; keyName: string | null; subscriptions: { kind: string; feed: number }[] }[];
  feeds: Record<string, unknown>[];
}

export async function openSockets({ adminUrl }: Program): Promise<OpenSockets> {
  return (await (await fetch(`${adminUrl}/sockets`)).json()) as OpenSockets;
}

/** How many there are. */
export async function socketsOpen(program: Program): Promise<number> {
  return (await openSockets(program)).total;
}
