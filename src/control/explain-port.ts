import type { AdminPorts, ExplainAsk, ExplainReply } from '../admin/index.ts';
import type { PolicySnapshot } from '../config/index.ts';
import { createDryRun, type DecisionRecord } from '../gateway/index.ts';
import type { LimitsMemory } from '../limits/index.ts';
import type { ExplainCollector } from './explain-collector.ts';
import { patiently } from './patience.ts';

/** A key, as main knows it. */
export interface NamedKey {
  name: string;
  /** Hex. */
  sha256: string;
  /** Of its user in the store; null: it has none. */
  userId: string | null;
}

export interface ExplainPortOptions {
  limits: LimitsMemory;
  /** Table of bans. */
  bans: SharedArrayBuffer;
  collector: ExplainCollector<DecisionRecord>;
  snapshot(): PolicySnapshot;
  keyByNumber(keyNumber: number): NamedKey | undefined;
  /** Names of a store's keys may be shared. */
  keysByName(name: string): NamedKey[];
}

/** Answers both kinds of explain, and puts in the keys' names, which workers do not know. */
export function createExplainPort(options: ExplainPortOptions): AdminPorts['explain'] {
  let dryRun: { generation: number; decide: ReturnType<typeof createDryRun> } | undefined;
  const decideNow = () => {
    const snapshot = options.snapshot();
    if (dryRun?.generation !== snapshot.generation) {
      dryRun = {
        generation: snapshot.generation,
        decide: createDryRun(snapshot, options.limits, options.bans),
      };
    }
    return dryRun.decide;
  };
  const named = (record: DecisionRecord): object => ({
    ...record,
    caller: { ...record.caller, keyName: options.keyByNumber(record.caller.keyNumber)?.name ?? null },
  });

  return {
    async byRequestId(requestId): Promise<ExplainReply> {
      const { records, asked, answered } = await options.collector.ask(requestId);
      records.sort((a, b) => a.item - b.item);
      return { kind: 'recorded', requestId, records: records.map(named), workers: { asked, answered } };
    },
    async dryRun({ keySha256, keyName, address, network, method }: ExplainAsk) {
      const keys = keyName === undefined ? [] : options.keysByName(keyName);
      if (keyName !== undefined && keys.length !== 1) return { unanswerable: notOne(keys.length, keyName) };
      const digest = keys[0]?.sha256 ?? keySha256;
      const ask = {
        keySha256: digest === undefined ? undefined : Buffer.from(digest, 'hex'),
        address,
        network,
        method,
      };
      const record = await patiently(() => decideNow()(ask));
      if (record === undefined) return { unanswerable: `no network is named ${network}` };
      return {
        kind: 'dry-run',
        requestId: null,
        records: [named(record)],
        workers: { asked: 0, answered: 0 },
      };
    },
  };
}

function notOne(keys: number, name: string): string {
  return keys === 0 ? `no key is named ${name}` : `${keys} keys are named ${name}: ask by the key itself`;
}
