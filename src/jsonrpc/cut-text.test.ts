import { expect, test } from 'vitest';
import { AnswerScan, MessageScan, scanAnswer, scanRequest } from './index.ts';

/** Each member last, since near the end of a text names and numbers are read in another way. */
const requests = [
  '{"jsonrpc":"2.0","id":123,"method":"eth_call","params":[1]}',
  '{"params":[],"method":"m","jsonrpc":"2.0","id":12}',
  '{"id":0,"params":{},"jsonrpc":"2.0","method":"m"}',
  '{"method":"m","id":1e5,"jsonrpc":"2.0"}',
];
const answers = [
  '{"jsonrpc":"2.0","id":123,"result":"0x1"}',
  '{"result":null,"jsonrpc":"2.0","id":12}',
  '{"id":1,"error":{"code":3},"jsonrpc":"2.0"}',
  '{"id":1,"result":7}',
];

/** What a scan finds in the first `to` bytes of a buffer that goes on, and in those bytes alone. */
function bothWays<Found extends object>(
  text: string,
  to: number,
  look: (bytes: Buffer, to: number) => Found,
) {
  const bytes = Buffer.from(text);
  return [look(bytes, to), look(bytes.subarray(0, to), to)];
}

test.each(requests)('the end of %s is where it is said to be, whatever bytes follow', (text) => {
  for (let to = 0; to <= text.length; to++) {
    const [within, alone] = bothWays(text, to, (bytes, end) => {
      const scan = new MessageScan();
      return { accepted: scanRequest(bytes, 0, end, scan), scan };
    });
    expect(within).toEqual(alone);
    expect(within!.accepted).toBe(to === text.length);
  }
});

test.each(answers)('the end of the answer %s likewise', (text) => {
  for (let to = 0; to <= text.length; to++) {
    const [within, alone] = bothWays(text, to, (bytes, end) => {
      const scan = new AnswerScan();
      return { accepted: scanAnswer(bytes, 0, end, scan), scan };
    });
    expect(within).toEqual(alone);
    expect(within!.accepted).toBe(to === text.length);
  }
});

test.each(['12a', '1 2', '01', '1.', '1e', '12"', '1[', '-', '--1', '1,,'])('an id %s is no number', (id) => {
  const bytes = Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
  expect(scanRequest(bytes, 0, bytes.length, new MessageScan())).toBe(false);
});

test.each(['jsonrpx', 'jsonrp', 'jsonrpcs', 'i', 'idd', 'methods', 'metho', 'paramz', 'results', 'erro'])(
  'a member %s is another than the one it resembles',
  (name) => {
    const call = Buffer.from(`{"${name}":[],"jsonrpc":"2.0","id":7,"method":"m"}`);
    const scan = new MessageScan();
    expect(scanRequest(call, 0, call.length, scan)).toBe(true);
    expect(scan.paramsStart).toBe(-1);
    const answer = Buffer.from(`{"${name}":{},"jsonrpc":"2.0","id":7,"result":1}`);
    const found = new AnswerScan();
    expect(scanAnswer(answer, 0, answer.length, found)).toBe(true);
    expect([found.idNumber, found.errorStart]).toEqual([7, -1]);
  },
);
