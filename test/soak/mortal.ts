import { syncBuiltinESMExports } from 'node:module';
import threads, { BroadcastChannel, isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';
import './live-heap.ts';

/**
 * Preloaded into the real program by `NODE_OPTIONS`: SIGUSR2 has one of its data-plane workers die, each time another and in
 * another way.
 */
const channel = new BroadcastChannel('polymorph-soak-doom');
const ways = ['throw', 'exit', 'loop'] as const;

interface Doom {
  slot: number;
  way: (typeof ways)[number];
}

if (isMainThread) {
  // Workers have an environment and arguments of their own, and so none of ours.
  threads.Worker = class extends Worker {
    constructor(url: string | URL, options: WorkerOptions = {}) {
      const ours = options.name?.startsWith('gateway-') ? { execArgv: ['--import', import.meta.url] } : {};
      super(url, { ...options, ...ours });
    }
  };
  syncBuiltinESMExports();
  let deaths = 0;
  process.on('SIGUSR2', () => {
    const doom: Doom = { slot: deaths % 2, way: ways[deaths % ways.length]! };
    deaths += 1;
    channel.postMessage(doom);
  });
} else {
  const { slot: own } = threads.workerData as { slot: number };
  channel.onmessage = (event: unknown) => {
    const { slot, way } = (event as { data: Doom }).data;
    if (slot !== own) return;
    if (way === 'throw') throw new Error('told to die');
    if (way === 'exit') process.exit(3);
    for (;;);
  };
}
(channel as unknown as { unref(): void }).unref();
