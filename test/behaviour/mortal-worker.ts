import { BroadcastChannel, workerData } from 'node:worker_threads';

/** The gateway's worker, which dies in one way or another when a test says so. */
export interface Doom {
  slot: number;
  vice: 'throw' | 'exit' | 'loop' | 'hog';
}

const { slot } = workerData as { slot: number };
const channel = new BroadcastChannel('polymorph-test-doom');
channel.onmessage = (event: unknown) => {
  const doom = (event as { data: Doom }).data;
  if (doom.slot !== slot) return;
  const held: unknown[] = [];
  switch (doom.vice) {
    case 'throw':
      throw new Error('told to die');
    case 'exit':
      process.exit(3);
    case 'loop':
      for (;;);
    case 'hog':
      for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
  }
};
(channel as unknown as { unref(): void }).unref();

await import('../../src/gateway/worker.ts');
