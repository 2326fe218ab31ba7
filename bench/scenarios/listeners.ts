import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicros, residentMegabytes } from '../accounting.ts';
import type { Context } from '../context.ts';
import { type Listening, startListening } from '../load/sockets.ts';
import { type HeadNode, startHeadNode } from '../servers/head-node.ts';
import { startPolymorph } from '../servers/polymorph.ts';
import type { Server } from '../servers/server.ts';

/** Main and two workers with sockets that listen to newHeads and say nothing. */
export interface IdleSockets {
  count: number;
  /** Resident with some hundred sockets, and with `count` more; MB (10⁶ bytes). */
  base: number;
  resident: number;
  /** The same once each of them was sent `heads`. */
  residentAfterHeads: number;
  heads: number;
  /** Subscriptions that the node saw, at most, for all of them. */
  upstreamSubscriptions: number;
}

/** From before the node writes a head until the last listener has it, ms. */
export interface FanOut {
  count: number;
  headsMs: number[];
  /** CPU of the gateway a head, ms. */
  cpuMs: number;
}

/** Not fewer in a quick run: what the heaps grow by at first is the same for few. */
const idleSockets = 10_000;
const warmSockets = 500;
const warmHeads = 3;
/** As many as would show what is kept of each. */
const idleHeads = 10;
const settleMs = 3000;
/** Between two heads: longer than any may take. */
const headPauseMs = 1000;
const measuredHeads = 15;

/** Opens them on a gateway that has a heap in use already, and waits until it is quiet. */
export async function measureIdleSockets(context: Context): Promise<IdleSockets> {
  context.progress(`websocket: ${idleSockets} idle sockets`);
  return withGateway(context, 'idle-sockets', async (scene) => {
    const { node, proxy, listen } = scene;
    const pid = proxy.pids[0]!;
    const settled = async () => {
      await sleep(settleMs);
      return residentMegabytes(pid);
    };
    const warm = await listen(warmSockets);
    await announce(scene, [warm], warmHeads);
    const base = await settled();
    const many = await listen(idleSockets);
    const resident = await settled();
    await announce(scene, [warm, many], idleHeads);
    const residentAfterHeads = await settled();
    const upstreamSubscriptions = node.seen.most;
    return {
      count: idleSockets,
      base,
      resident,
      residentAfterHeads,
      heads: idleHeads,
      upstreamSubscriptions,
    };
  });
}

/** One head after the other to all listeners; node, gateway and listeners share the cores. */
export async function measureFanOut(context: Context): Promise<FanOut> {
  const count = context.options.quick ? 1000 : 5000;
  const heads = context.options.quick ? 5 : measuredHeads;
  context.progress(`websocket: ${heads} heads to ${count} listeners`);
  return withGateway(context, 'fan-out', async (scene) => {
    const all = [await scene.listen(count)];
    await announce(scene, all, warmHeads);
    const sent = await announce(scene, all, heads);
    const cpuMs = sent.reduce((sum, head) => sum + head.cpuMs, 0) / heads;
    return { count, headsMs: sent.map(({ tookMs }) => tookMs), cpuMs };
  });
}

interface Scene {
  context: Context;
  node: HeadNode;
  proxy: Server;
  listen(count: number): Promise<Listening>;
}

async function withGateway<T>(
  context: Context,
  name: string,
  measure: (scene: Scene) => Promise<T>,
): Promise<T> {
  const node = await startHeadNode();
  const open: Listening[] = [];
  try {
    const proxy = await startPolymorph(context, {
      name,
      mode: 'single',
      workers: 2,
      upstreamPorts: [node.port],
      subscribable: true,
    });
    const listen = async (count: number) => {
      const listening = await startListening(context, `${name}-${open.length}`, proxy.port, count);
      open.push(listening);
      return listening;
    };
    const result = await measure({ context, node, proxy, listen });
    for (const listening of open) context.faults.push(...(await listening.stop()));
    if (node.seen.most !== 1)
      context.faults.push(`${name}: ${node.seen.most} upstream subscriptions at once`);
    await proxy.stop();
    return result;
  } finally {
    node.close();
  }
}

/** One head after the other: what each took to the last of the listeners, and of the gateway's CPU until then. */
async function announce(
  { context, node, proxy }: Scene,
  listeners: readonly Listening[],
  heads: number,
): Promise<{ tookMs: number; cpuMs: number }[]> {
  const sent: { tookMs: number; cpuMs: number }[] = [];
  for (let n = 0; n < heads; n++) {
    await sleep(headPauseMs);
    const cpuBefore = cpuMicros(proxy.pids);
    const { number, at } = node.announce();
    const found = await Promise.all(listeners.map((each) => each.head(number)));
    const cpuMs = (cpuMicros(proxy.pids) - cpuBefore) / 1000;
    const last = Math.max(...found.map((each) => each.last));
    if (Number.isNaN(last))
      context.faults.push(`websocket: not every listener had head ${number} within 10 s`);
    sent.push({ tookMs: (last - at) / 1000, cpuMs });
  }
  return sent;
}
