import { expect, test } from 'vitest';
import type { HealthEvent } from '../upstream/index.ts';
import { createHealthLog } from './health-log.ts';
import { openLog } from './logs.ts';

const node = { network: 'main', upstream: 'node' };

test.each<[HealthEvent, string, string]>([
  [
    { type: 'upstream.down', ...node, reason: 'unreachable', detail: 'HTTP 502', upMs: 5 },
    'warn',
    'upstream main/node is down: unreachable (HTTP 502)',
  ],
  [{ type: 'upstream.up', ...node, downMs: null }, 'debug', 'upstream main/node is up'],
  [{ type: 'upstream.up', ...node, downMs: 1234 }, 'info', 'upstream main/node is up again after 1.2 s'],
  [
    { type: 'chain.reorg', ...node, from: 7, head: 9 },
    'info',
    'network main: blocks from 7 on were replaced, the head is 9',
  ],
  [
    { type: 'head.doubted', ...node, head: 9, why: 'it is alone' },
    'warn',
    'upstream main/node says its head is 9, which is not followed: it is alone',
  ],
  [{ type: 'breaker', ...node, state: 'open' }, 'warn', 'upstream main/node: its circuit breaker is open'],
  [
    { type: 'breaker', ...node, state: 'closed' },
    'info',
    'upstream main/node: its circuit breaker is closed',
  ],
])('%j', (event, level, msg) => {
  const lines: string[] = [];
  const { logger } = openLog({
    level: 'debug',
    format: 'json',
    colour: false,
    output: { write: (line) => void lines.push(line) },
  });
  createHealthLog(logger)(event);
  const { type, ...facts } = event;
  expect(JSON.parse(lines.join(''))).toMatchObject({ level, msg, kind: 'upstream', event: type, ...facts });
});
