import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_COMPLETE, ANSWER_HEAD_BYTES_MAX, ANSWER_INCOMPLETE, AnswerReader } from './answer-reader.ts';

const bodyBytesMax = 1000;

type Read = { status: number; body: string; close: boolean } | { fault: string };

/** Reads `text` in pieces that end at `cuts`, each from the same buffer, as connections do. */
function readAll(text: string, cuts: number[] = []): Read[] {
  const reader = new AnswerReader(bodyBytesMax);
  const shared = Buffer.alloc(text.length + 8);
  const found: Read[] = [];
  let from = 0;
  for (const to of [
    ...cuts.filter((cut) => cut > 0 && cut < text.length).sort((a, b) => a - b),
    text.length,
  ]) {
    if (to === from) continue;
    shared.fill(0x21);
    shared.write(text.slice(from, to), 3, 'latin1');
    let at = 3;
    const end = 3 + to - from;
    while (at < end) {
      const state = reader.read(shared, at, end);
      if (state === ANSWER_INCOMPLETE) break;
      if (state !== ANSWER_COMPLETE) {
        found.push({ fault: reader.fault });
        return found;
      }
      const { status, close } = reader;
      found.push({ status, body: reader.bytes.toString('latin1', reader.start, reader.end), close });
      at = reader.next;
      reader.forget();
    }
    from = to;
  }
  return found;
}

function faultOf(text: string): string | undefined {
  const last = readAll(text).at(-1);
  return last !== undefined && 'fault' in last ? last.fault : undefined;
}

const ok = 'HTTP/1.1 200 OK\r\n';

describe('AnswerReader', () => {
  const sound: [string, string, Read[]][] = [
    ['a length', `${ok}Content-Length: 2\r\n\r\n{}`, [{ status: 200, body: '{}', close: false }]],
    [
      'no reason phrase',
      'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}',
      [{ status: 200, body: '{}', close: false }],
    ],
    [
      'space around values',
      `${ok}content-length: \t 2 \t\r\nA:\r\n\r\n{}`,
      [{ status: 200, body: '{}', close: false }],
    ],
    ['no body at all', 'HTTP/1.1 204 No Content\r\n\r\n', [{ status: 204, body: '', close: false }]],
    [
      'Connection: close',
      `${ok}Connection: x, Close\r\nContent-Length: 0\r\n\r\n`,
      [{ status: 200, body: '', close: true }],
    ],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1', [{ status: 200, body: '1', close: true }]],
    [
      'one chunk',
      `${ok}Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      [{ status: 200, body: '{}', close: false }],
    ],
    [
      'chunks, extensions and a trailer',
      `${ok}Transfer-Encoding: chunked\r\n\r\n02;a="b c"\r\n[1\r\n1\r\n]\r\n000;x\r\nA: b\r\nC: d\r\n\r\n`,
      [{ status: 200, body: '[1]', close: false }],
    ],
    [
      'interim answers',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${ok}Content-Length: 1\r\n\r\n1`,
      [{ status: 200, body: '1', close: false }],
    ],
    [
      'a row of answers',
      `${ok}Content-Length: 1\r\n\r\n1HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n${ok}Content-Length: 1\r\n\r\n3`,
      [
        { status: 200, body: '1', close: false },
        { status: 500, body: '2', close: false },
        { status: 200, body: '3', close: false },
      ],
    ],
  ];
  it.each(sound)('reads %s', (_, text, expected) => {
    expect(readAll(text)).toEqual(expected);
  });

  const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
  const faults: [string, string, string][] = [
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'not an HTTP/1.1 answer'],
    ['HTTP/2', 'HTTP/2 200\r\nContent-Length: 0\r\n\r\n', 'not an HTTP/1.1 answer'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', 'not an HTTP/1.1 answer'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 'not an HTTP/1.1 answer'],
    ['status 600', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n', 'not an HTTP/1.1 answer'],
    ['a bare LF after the status', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'not an HTTP/1.1 answer'],
    ['a bare LF after a header', `${ok}Content-Length: 0\n\r\n\r\n`, 'malformed header line'],
    ['a bare CR in a header', `${ok}A: b\rC: d\r\nContent-Length: 0\r\n\r\n`, 'malformed header line'],
    ['a bare CR for the empty line', `${ok}Content-Length: 0\r\n\rX`, 'bare CR in the head'],
    ['a NUL in a value', `${ok}A: \0\r\nContent-Length: 0\r\n\r\n`, 'malformed header line'],
    ['a space before the colon', `${ok}Content-Length : 0\r\n\r\n`, 'malformed header line'],
    ['a line without a colon', `${ok}Content-Length\r\n\r\n`, 'malformed header line'],
    ['a folded line', `${ok}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`, 'malformed header line'],
    ['two lengths', `${ok}Content-Length: 1\r\nContent-Length: 1\r\n\r\n1`, 'more than one Content-Length'],
    ['a list of lengths', `${ok}Content-Length: 1, 1\r\n\r\n1`, 'malformed Content-Length'],
    ['a signed length', `${ok}Content-Length: +1\r\n\r\n1`, 'malformed Content-Length'],
    ['an empty length', `${ok}Content-Length:\r\n\r\n1`, 'malformed Content-Length'],
    ['a huge length', `${ok}Content-Length: ${'9'.repeat(30)}\r\n\r\n1`, 'malformed Content-Length'],
    ['a length over the bound', `${ok}Content-Length: 1001\r\n\r\n`, 'oversized'],
    [
      'a length over the bound, HTTP 500',
      'HTTP/1.1 500 E\r\nContent-Length: 1001\r\n\r\n',
      'HTTP 500, oversized',
    ],
    ['no length', `${ok}\r\n{}`, 'no Content-Length'],
    [
      'a length and chunks',
      `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'both Content-Length and Transfer-Encoding',
    ],
    ['another transfer coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'unknown Transfer-Encoding'],
    [
      'chunked twice',
      `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'unknown Transfer-Encoding',
    ],
    ['a content coding', `${ok}Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n`, 'compressed answer'],
    [
      '204 with a body',
      'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n1',
      'HTTP 204, body beside a status that has none',
    ],
    ['101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'HTTP 101'],
    ['1xx without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(9), 'too many interim answers'],
    ['a head without end', `${ok}A: ${'b'.repeat(ANSWER_HEAD_BYTES_MAX)}`, 'head too large'],
    [
      'a large head',
      `${ok}A: ${'b'.repeat(ANSWER_HEAD_BYTES_MAX)}\r\nContent-Length: 0\r\n\r\n`,
      'head too large',
    ],
    ['chunk: no size', `${chunked}\r\n`, 'malformed chunk size'],
    ['chunk: a sign', `${chunked}-1\r\n`, 'malformed chunk size'],
    ['chunk: 0x', `${chunked}0x1\r\n`, 'malformed chunk size'],
    ['chunk: a space', `${chunked}1 \r\nx\r\n`, 'malformed chunk size'],
    ['chunk: nine digits', `${chunked}000000001\r\nx\r\n0\r\n\r\n`, 'malformed chunk size'],
    ['chunk: a bare LF', `${chunked}1\nx\r\n`, 'malformed chunk size'],
    ['chunk: a bare LF in an extension', `${chunked}1;a\nx\r\n`, 'malformed chunk extension'],
    ['chunk: a bare CR in an extension', `${chunked}1;a\rx\r\n`, 'malformed chunk'],
    ['chunk: longer than it says', `${chunked}1\r\nxy\r\n0\r\n\r\n`, 'malformed chunk'],
    ['chunk: a long extension', `${chunked}1;${'a'.repeat(300)}\r\n`, 'chunk extension too long'],
    ['chunk: over the bound', `${chunked}fff\r\n`, 'oversized'],
    ['chunk: over the bound together', `${chunked}1f4\r\n${'x'.repeat(500)}\r\n1f5\r\n`, 'oversized'],
    [
      'chunk: many long extensions',
      `${chunked}${`1;${'a'.repeat(200)}\r\nx\r\n`.repeat(100)}`,
      'more chunk framing than body',
    ],
    ['chunk: a NUL in a trailer', `${chunked}0\r\nA: \0\r\n\r\n`, 'malformed trailer'],
    [
      'chunk: a long trailer',
      `${chunked}0\r\n${`A: ${'b'.repeat(100)}\r\n`.repeat(100)}`,
      'more chunk framing than body',
    ],
  ];
  it.each(faults)('refuses %s', (_, text, expected) => {
    expect(faultOf(text)).toBe(expected);
  });

  it('finds the same in every text cut at any byte, and byte by byte', () => {
    for (const text of [...sound.map((row) => row[1]), ...faults.map((row) => row[1])]) {
      const whole = readAll(text);
      const step = Math.ceil(text.length / 400);
      for (let cut = 1; cut < text.length; cut += step)
        expect(readAll(text, [cut]), `${text} cut at ${cut}`).toEqual(whole);
      if (text.length < 2000)
        expect(
          readAll(
            text,
            Array.from({ length: text.length }, (_, at) => at),
          ),
        ).toEqual(whole);
    }
  });

  const body = fc.string({ unit: 'binary-ascii', maxLength: 300 });
  const field = fc.constantFrom(
    '',
    'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n',
    'Server: x\r\n',
    'connection: keep-alive\r\n',
  );
  const answer = fc.oneof(
    fc.record({ field, body }).map(({ field, body }) => ({
      text: `${ok}${field}Content-Length: ${body.length}\r\n\r\n${body}`,
      body,
    })),
    fc
      .record({
        field,
        pieces: fc.array(body, { maxLength: 5 }),
        extension: fc.constantFrom('', ';a=b', ';x'),
      })
      .map(({ field, pieces, extension }) => ({
        text: `${ok}${field}Transfer-Encoding: chunked\r\n\r\n${pieces
          .filter((piece) => piece !== '')
          .map((piece) => `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`)
          .join('')}0\r\n\r\n`,
        body: pieces.join(''),
      })),
  );

  it('reads what was written, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(3000), { maxLength: 12 }),
        (answers, cuts) => {
          fc.pre(answers.every((one) => one.body.length <= bodyBytesMax));
          const read = readAll(answers.map((one) => one.text).join(''), cuts);
          expect(read).toEqual(answers.map((one) => ({ status: 200, body: one.body, close: false })));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('comes to the same verdict on any bytes in any pieces', () => {
    const hostile = fc.array(
      fc.constantFrom(
        ok,
        'HTTP/1.1 100 Continue\r\n',
        'Content-Length: 3\r\n',
        'Transfer-Encoding: chunked\r\n',
        '\r\n',
        '\n',
        '\r',
        '3',
        ';a',
        'abc',
        '0\r\n\r\n',
        'X: y\r\n',
        ' ',
        '\0',
        'Connection: close\r\n',
      ),
      { maxLength: 14 },
    );
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(200), { maxLength: 8 }), (parts, cuts) => {
        const text = parts.join('');
        expect(readAll(text, cuts)).toEqual(readAll(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('lets go of a large answer', () => {
    const reader = new AnswerReader(10_000_000);
    const head = Buffer.from(`${ok}Content-Length: 1000000\r\n\r\n`);
    const piece = Buffer.alloc(100_000, 0x20);
    expect(reader.read(head, 0, head.length)).toBe(ANSWER_INCOMPLETE);
    for (let i = 0; i < 9; i++) expect(reader.read(piece, 0, piece.length)).toBe(ANSWER_INCOMPLETE);
    expect(reader.read(piece, 0, piece.length)).toBe(ANSWER_COMPLETE);
    expect(reader.end - reader.start).toBe(1_000_000);
    reader.forget();
    expect(reader.bytes).toHaveLength(0);
  });
});
