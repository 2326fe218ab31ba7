import type { SentCall } from './ports.ts';

const method = 'eth_getBlockByNumber';

/** Asks the pool for the hash of a block. `then` is called once: null: there is no such block; undefined: no answer. */
export function askBlockHash<Trace>(
  send: (call: SentCall<Trace>) => void,
  number: number,
  then: (hash: string | null | undefined) => void,
): void {
  const before = '{"jsonrpc":"2.0","id":';
  const text = `${before}1,"method":"${method}","params":["0x${number.toString(16)}",false]}`;
  send({
    bytes: Buffer.from(text, 'latin1'),
    ...{ start: 0, end: text.length, idStart: before.length, idEnd: before.length + 1 },
    ...{ safe: true, cheap: true, method, retry: 'safe', critical: false, caller: 0 },
    ...{ text: '', idAt: -1, idTo: -1, traced: false },
    ...{ via: -1, attempts: 0, sentAt: 0, trace: null },
    answered(bytes, start, end, _idStart, _idEnd, isError) {
      then(isError ? undefined : hashIn(bytes.toString('utf8', start, end)));
    },
    failed: () => then(undefined),
  });
}

function hashIn(answer: string): string | null | undefined {
  try {
    const { result } = JSON.parse(answer) as { result: { hash?: unknown } | null };
    if (result === null) return null;
    return typeof result.hash === 'string' ? result.hash.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}
