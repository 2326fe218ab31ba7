/** What a seed makes: the world that a run is in, and what befalls it when. */
export interface Plan {
  seed: number;
  world: World;
  faults: PlannedFault[];
}

export interface World {
  instances: 1 | 2;
  workers: 1 | 2;
  store: 'sqlite' | 'postgres';
  redis: boolean;
  mode: 'single' | 'pipelined' | 'batched';
  /** The first instance's clock can be moved. */
  clock: boolean;
  /** The first instance's state is on a disk that can be full. */
  disk: boolean;
}

export interface PlannedFault {
  subject: Subject;
  atMs: number;
  lastMs: number;
  name: string;
  /** 0 to 1: of which of several. */
  pick: number;
}

/** By what they are about: two of one subject never overlap. */
export const faultNames = {
  nodes: [
    ...[
      'a node is killed',
      'a node is slow',
      'a node misbehaves',
      'a node misbehaves',
      'a node resets its connections',
    ],
    'all nodes are killed',
  ],
  process: [
    'a gateway is killed',
    'a gateway is killed',
    'a gateway is drained',
    'a gateway is frozen',
    'a reload',
    'a bad reload',
  ],
  worker: ['a worker dies'],
  redis: ['Redis is killed', 'Redis is frozen', 'Redis takes no writes', 'Redis forgets all'],
  store: ['PostgreSQL is killed', 'PostgreSQL is frozen', 'PostgreSQL is stopped'],
  disk: ['the disk is full'],
  clock: ['the clock jumps'],
} as const;

type Subject = keyof typeof faultNames;

/** Mulberry32: the same numbers from 0 to 1 for the same seed, wherever. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `can`: what is possible on this machine. */
export function drawPlan(seed: number, forMs: number, can: { clock: boolean; disk: boolean }): Plan {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const kind = pick(['sqlite', 'sqlite', 'postgres', 'many', 'many'] as const);
  // Drawn in any case, so that a seed means the same on a machine that can less.
  const [clock, disk] = [random() < 0.5, random() < 0.6];
  const world: World = {
    instances: kind === 'many' ? 2 : 1,
    workers: pick([1, 2] as const),
    store: kind === 'sqlite' ? 'sqlite' : 'postgres',
    redis: kind === 'many' || random() < 0.3,
    mode: pick(['single', 'pipelined', 'batched'] as const),
    ...{ clock: clock && can.clock, disk: disk && can.disk },
  };
  const subjects: Subject[] = ['nodes', 'process', 'worker'];
  if (world.redis) subjects.push('redis');
  if (world.store === 'postgres') subjects.push('store');
  if (world.disk) subjects.push('disk');
  if (world.clock) subjects.push('clock');
  const faults: PlannedFault[] = [];
  for (const subject of subjects) {
    for (let atMs = random() * 0.4 * forMs; atMs < forMs; ) {
      const lastMs = 200 + random() * 0.3 * forMs;
      faults.push({ subject, atMs, lastMs, name: pick(faultNames[subject]), pick: random() });
      atMs += lastMs + 400 + random() * 0.5 * forMs;
    }
  }
  return { seed, world, faults: faults.toSorted((a, b) => a.atMs - b.atMs) };
}

export function describePlan({ seed, world, faults }: Plan): string {
  const what = Object.entries(world)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  const lines = faults.map(
    ({ atMs, lastMs, name, pick }, at) =>
      `  ${String(at).padStart(2)}: ${(atMs / 1000).toFixed(2)} s, for ${(lastMs / 1000).toFixed(2)} s: ${name} (${pick.toFixed(3)})`,
  );
  return [`seed ${seed}: ${what}`, ...lines].join('\n');
}
