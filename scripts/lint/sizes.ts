/** Lines of a file that nobody has to give a reason for. */
const LINES_MAX = 300;

const table = 'a table: read row by row, never as a whole';
const composition = 'the place where all parts are put together; each part has a file of its own';
const oneState =
  'one state, which every method reads and writes: parted, each part would need most of it from the other';
const contract = 'each case of one contract, with one set-up';

/** Why a file has more than 300 lines, by its path from the root. */
export const largeFiles: Readonly<Record<string, string>> = {
  'src/config/snapshot.ts': 'types alone: what main hands to the workers, whole in one place',
  'src/gateway/worker-gateway.ts': composition,
  'src/http/lane-connection.ts': oneState,
  'src/upstream/http2-connection.ts': oneState,
  'src/upstream/upstream.ts': oneState,
  'src/websocket/session.ts': oneState,

  'src/config/testing/bad-configs.ts': table,
  'test/framing/corpus.ts': table,
  'test/fakes/upstream.ts': 'one node with every vice; each vice is a few lines',

  'src/answer/answer-room.test.ts': contract,
  'src/config/keys/key-table.test.ts': contract,
  'src/config/load.test.ts': contract,
  'src/config/plan/plan.test.ts': contract,
  'src/control/start-gateway.test.ts': contract,
  'src/events/delivery/delivery.test.ts': contract,
  'src/gateway/batches.test.ts': 'one contract, held by each transport',
  'src/gateway/decisions/explain.test.ts': contract,
  'src/gateway/limit/rules.test.ts': 'one contract, held by each transport',
  'src/gateway/refusals.test.ts': 'the table of refusals, row by row, by each lane',
  'src/http/server.test.ts': 'one contract, held with and without shared reads',
  'src/limits/leases/lease-keeper.test.ts': contract,
  'src/limits/leases/leased-take.test.ts': contract,
  'src/store/testing/contract/outbox.ts': contract,
  'src/upstream/health/head-tracker.test.ts': contract,
  'src/upstream/health/monitor.test.ts': contract,
  'src/upstream/http2.test.ts': contract,
  'src/upstream/pool/dispatcher.test.ts': contract,
  'src/usage/applier.test.ts': contract,

  'bench/report/asked.ts': table,
};

/** What is wrong with the size of a file, or undefined. `path` is its path from the root, with slashes. */
export const judgeSize = (path: string, text: string): string | undefined => {
  const lines = text.split('\n').length - 1;
  if (lines <= LINES_MAX || Object.hasOwn(largeFiles, path)) return undefined;
  return `${lines} lines: part it where the idea parts, or say in scripts/lint/sizes.ts why it has more than ${LINES_MAX}.`;
};
