import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createAgreement } from './testing/agreement.ts';
import { mixedStream, simpleStream } from './testing/streams.ts';

describe.each([{ sharedReads: true }, { sharedReads: false }])(
  'whole connections, $sharedReads',
  (options) => {
    let agreement: Awaited<ReturnType<typeof createAgreement>>;
    beforeAll(async () => {
      agreement = await createAgreement(options);
    });
    afterAll(() => agreement.close());

    it('the lane reads a stream of simple requests, cut anywhere, as node:http does', async () => {
      await fc.assert(fc.asyncProperty(simpleStream, agreement.check), { numRuns: 150 });
    });

    it('a stream that is handed over in the middle is read and answered as by node:http alone', async () => {
      await fc.assert(fc.asyncProperty(mixedStream, agreement.check), { numRuns: 150 });
    });
  },
);
