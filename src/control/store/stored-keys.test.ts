import { expect, it } from 'vitest';
import { formatProblem, parseConfig } from '../../config/index.ts';
import type { PolicyKey } from '../../store/index.ts';
import { createLimitsKeeper } from '../limits-keeper.ts';
import { createPolicyKeeper } from '../policy-keeper.ts';
import { type PackedKeys, packKeys } from './packed-keys.ts';
import { createStoredKeys } from './stored-keys.ts';

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const keyOf = (number: number, enabled = true): PolicyKey => ({
  ...{
    id: idOf(number),
    sha256: String(number).padStart(64, '0'),
    prefix: 'abcdefgh',
    name: `key-${number}`,
  },
  ...{ previousSha256: null, previousUntil: null, userId: null, enabled, expiresAt: null },
  ...{ overrides: [], quota: null, userQuota: null },
});

async function start() {
  const written = parseConfig(JSON.stringify({ upstreams: [{ url: 'http://127.0.0.1:1' }] }), {
    ...{ env: {}, file: 'c.yaml', directory: '/' },
  });
  if (!written.ok) throw new Error(written.problems.map(formatProblem).join('\n'));
  const limits = await createLimitsKeeper({
    ...{ path: null, entries: 1024, quotaSlots: 8, randomSeed: () => new Uint32Array(4), wallMs: () => 0 },
  });
  const policy = createPolicyKeeper(written.config, { limits, wallMs: () => 0 });
  const apply = async () => ({ late: [] });
  const silent = () => {};
  const logger = { warn: silent, error: silent } as never;
  const options = { policy, apply, changed: silent, logger, wallMs: () => 0 };
  return { policy, keys: createStoredKeys(options) };
}

it('what became of a key while all were read stays, though a piece has it as it was before', async () => {
  const { policy, keys } = await start();
  async function* all(): AsyncGenerator<PackedKeys> {
    yield packKeys([keyOf(1), keyOf(2), keyOf(3)]);
  }
  await keys.replace(all(), 3);
  async function* older(): AsyncGenerator<PackedKeys> {
    keys.change(idOf(1), null);
    keys.change(idOf(2), packKeys([keyOf(2, false)]));
    keys.change(idOf(4), packKeys([keyOf(4)]));
    yield packKeys([keyOf(1), keyOf(2)]);
  }
  await keys.replace(older(), 3);
  const enabled = [1, 2, 3, 4].map((number) => policy.stored.stored(idOf(number))?.enabled);
  // The third was not changed, and is in no piece any more.
  expect(enabled).toEqual([undefined, false, undefined, true]);
  await keys.replace(all(), 3);
  expect([1, 2, 3, 4].map((number) => policy.stored.stored(idOf(number))?.enabled)).toEqual([
    ...[true, true, true],
    undefined,
  ]);
});
