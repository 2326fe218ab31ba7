import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeSessions } from '../testing/sessions-contract.ts';
import { createMemorySessions } from './memory-sessions.ts';

describe('sessions in memory', () => {
  describeSessions(
    (bounds) => createMemorySessions(bounds, { epochMs: Date.now, random: randomBytes }),
    false,
  );

  it('go as others come, though nobody asks for them', async () => {
    let now = 0;
    const bounds = { idleMs: 1000, lifeMs: 1000, perUserMax: 3, dataBytesMax: 2_000_000 };
    const sessions = createMemorySessions(bounds, { epochMs: () => now, random: randomBytes });
    const data = () => randomBytes(50_000).toString('hex');
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 5000; i += 1) {
      now += 100;
      await sessions.create({ userId: `user ${i}`, data: data() });
    }
    // Without it 500 MB would be there.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  });
});
