/** Prints the cost of a scan: `node src/jsonrpc/testing/measure.ts`. Best of several rounds. */
import {
  createErrorAnswer,
  docsBase,
  MessageScan,
  methodName,
  AnswerScan,
  scanAnswer,
  scanBatch,
  scanRequest,
} from '../index.ts';

const MIB = 1024 * 1024;
const call = (params: string, more = '') =>
  `{"jsonrpc":"2.0","id":12345,"method":"eth_call","params":${params}${more}}`;
const ethCall = call(
  '[{"to":"0xdAC17F958D2ee523a2206206994597C13D831ec7","data":"0x70a08231000000000000000000000000b3c839dbde6b96d37c56ee4f9dad3390d49310aa"},"latest"]',
);
const texts: Record<string, string> = {
  'eth_call, 200 bytes': ethCall,
  'eth_call, 2 KB': call(`[{"data":"0x${'ab'.repeat(950)}"},"latest"]`),
  'hex string, 1 MB': call(`["0x${'0'.repeat(MIB)}"]`),
  'small nested arrays, 1 MB': call(`[${'[[1],[2]],'.repeat(MIB / 10)}1]`),
  'log filters, 1 MB': call(
    `[${'{"address":["0x1234567890123456789012345678901234567890"],"fromBlock":"0x10"},'.repeat(MIB / 77)}1]`,
  ),
  'ümlauts, 1 MB': call(`["${'ü'.repeat(MIB / 2)}"]`),
  'ü and ASCII by turns, 1 MB': call(`["${'aü'.repeat(MIB / 3)}"]`),
  'escapes, 1 MB': call(`["${'\\u0041'.repeat(MIB / 6)}"]`),
  'escaped members, 1 MB': call('[]', ',"\\u0069":1'.repeat(MIB / 11)),
  'case-folded members, 1 MB': call('[]', ',"ID":1'.repeat(MIB / 7)),
  'members, 1 MB': call('[]', ',"p":1'.repeat(MIB / 6)),
  'digits, 1 MB': call(`[${'9'.repeat(MIB)}]`),
  'white space, 1 MB': `${' '.repeat(MIB)}${ethCall}`,
  'literals, 1 MB': call(`[${'null,'.repeat(MIB / 5)}1]`),
  'objects, 1 MB': call(`[${'{},'.repeat(MIB / 3)}1]`),
  'open brackets, 1 MB': '['.repeat(MIB),
  'bad UTF-8 at the end, 1 MB': call(`["${'ü'.repeat(MIB / 2)}\xff"]`),
};

function nanoseconds(run: () => void, times: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < times; index++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / times);
  }
  return best;
}

function print(name: string, bytes: number, ns: number): void {
  process.stdout.write(
    `${name.padEnd(30)} ${ns.toFixed(0).padStart(9)} ns ${(bytes / ns).toFixed(2).padStart(6)} GB/s\n`,
  );
}

const scan = new MessageScan();
for (const [name, text] of Object.entries(texts)) {
  const bytes = Buffer.from(text, name.startsWith('bad') ? 'latin1' : 'utf8');
  const ns = nanoseconds(
    () => scanRequest(bytes, 0, bytes.length, scan),
    bytes.length > 10_000 ? 5 : 200_000,
  );
  print(name, bytes.length, ns);
}

const single = Buffer.from(ethCall);
scanRequest(single, 0, single.length, scan);
print(
  'method name',
  8,
  nanoseconds(() => methodName(single, scan), 500_000),
);
const batch = Buffer.from(`[${Array.from({ length: 100 }, () => ethCall).join()}]`);
print(
  'scanBatch of 100',
  batch.length,
  nanoseconds(() => scanBatch(batch, 0, batch.length, 100), 2000),
);
const answer = Buffer.from(`{"jsonrpc":"2.0","id":12345,"result":"0x${'0'.repeat(160)}"}`);
const answerScan = new AnswerScan();
print(
  'scanAnswer, 200 bytes',
  answer.length,
  nanoseconds(() => scanAnswer(answer, 0, answer.length, answerScan), 200_000),
);
const errorAnswer = createErrorAnswer(docsBase);
const detail = () => ({
  requestId: '01JABCDEFGHJKMNPQRSTVWXYZ0',
  data: { policy: 'key:group:logs', limit: 100, burst: 50, remaining: 0, retryAfterMs: 1234 },
});
print(
  'errorAnswer, rate limit',
  260,
  nanoseconds(() => errorAnswer('12345', 'rate_limited', detail()), 200_000),
);
