import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEAD_COMPLETE, RequestHead, readRequestHead } from './request-head.ts';
import { createAgreement } from './testing/agreement.ts';
import { hostileRequest } from './testing/heads.ts';
import { createOracle } from './testing/oracle.ts';
import { mixedStream, simpleStream } from './testing/streams.ts';

/** Milliseconds for each of the fuzzers here. */
const budgetMs = Number(process.env['POLYMORPH_FUZZ_MS'] ?? 120_000);
const endless = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: budgetMs,
  markInterruptAsFailure: false,
};

describe.each([{ sharedReads: true }, { sharedReads: false }])(
  'whole connections, $sharedReads',
  (options) => {
    let agreement: Awaited<ReturnType<typeof createAgreement>>;
    beforeAll(async () => {
      agreement = await createAgreement(options);
    });
    afterAll(() => agreement.close());

    it('are read and answered as by node:http', async () => {
      await fc.assert(fc.asyncProperty(fc.oneof(simpleStream, mixedStream), agreement.check), endless);
    });
  },
);

describe('heads', () => {
  let oracle: Awaited<ReturnType<typeof createOracle>>;
  beforeAll(async () => {
    oracle = await createOracle();
  });
  afterAll(() => oracle.close());
  const head = new RequestHead();

  /** Near to what is simple, with any bytes changed, put in or left out. */
  const damaged = fc
    .tuple(
      hostileRequest,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'add', 'drop')), {
        maxLength: 4,
      }),
    )
    .map(([request, damages]) => {
      const bytes = [...request];
      for (const [place, byte, damage] of damages) {
        const at = place % (bytes.length + 1);
        if (damage === 'set') bytes[at] = byte;
        else bytes.splice(at, damage === 'drop' ? 1 : 0, ...(damage === 'add' ? [byte] : []));
      }
      return Buffer.from(bytes);
    });

  it('that the lane takes, node:http reads alike', async () => {
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        if (readRequestHead(bytes, 0, bytes.length, head) !== HEAD_COMPLETE) return;
        const end = head.end + head.contentLength;
        if (end > bytes.length) return;
        const target = bytes.toString('latin1', head.targetStart, head.targetEnd);
        const body = bytes.toString('latin1', head.end, end);
        const theirs = await oracle.read(bytes.subarray(0, end));
        expect(theirs && { target: theirs.target, body: theirs.body.toString('latin1') }).toEqual({
          target,
          body,
        });
      }),
      endless,
    );
  });
});
