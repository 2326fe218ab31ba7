/** Prints what folding costs: `node src/gateway/testing/measure-events.ts`. Ten million refusals each. */
import { eventTypes, type PolicySnapshot } from '../../config/index.ts';
import type { Call } from '../call.ts';
import { createEventFold } from '../event-fold.ts';

const REFUSALS = 10_000_000;
const A_BEAT = 20_000;

const snapshotOf = (wanted: readonly string[]): PolicySnapshot =>
  ({ events: { wanted }, networks: [{ name: 'default' }] }) as unknown as PolicySnapshot;

/** As much of a refused call as is looked at. */
function refusedCall(at: number, withKey: boolean): Call {
  const caller = {
    ...{ keyNumber: withKey ? at : -1, keyId: `id-${at}`, keyPrefix: 'abcdefgh' },
    address: `198.51.${at >> 8}.${at & 255}`,
  };
  const rule = { name: 'default', requests: 100, burst: 50 };
  return {
    context: { caller, network: 0, policy: { snapshot: snapshotOf([]) } },
    ...{ refusal: 'rate_limited', reason: null, retryAfterMs: 10, outcome: 2, quota: null },
    ...{ facts: { countedAs: 'eth_call' }, reading: { refused: 1 }, plan: { links: [{ rule }] } },
  } as unknown as Call;
}

function measure(name: string, wanted: readonly string[], callers: number, withKey: boolean): void {
  let events = 0;
  const fold = createEventFold({
    snapshot: snapshotOf(wanted),
    tell: (some) => void (events += some.length),
    epochMs: Date.now,
  });
  const calls = Array.from({ length: callers }, (_, at) => refusedCall(at, withKey));
  const began = process.cpuUsage();
  for (let at = 0; at < REFUSALS; at += 1) {
    fold.refused(calls[at % callers]!);
    if (at % A_BEAT === 0) fold.tick();
  }
  const { user, system } = process.cpuUsage(began);
  const nanos = ((user + system) * 1000) / REFUSALS;
  process.stdout.write(
    `${name.padEnd(40)} ${nanos.toFixed(1).padStart(7)} ns a refusal, ${events} told to main\n`,
  );
}

for (let round = 0; round < 2; round += 1) {
  measure('nobody wants it', [], 100, true);
  measure('one key', eventTypes, 1, true);
  measure('100 keys', eventTypes, 100, true);
  measure('400 addresses', eventTypes, 400, false);
  measure('5,000 addresses (500 are told apart)', eventTypes, 5000, false);
}
