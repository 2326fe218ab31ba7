import { expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { cert, key } from './testing/certificate.ts';
import { policyFor, sendTo, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';

const patient = { tls: true, connectTimeoutMs: 3000, firstByteTimeoutMs: 3000, timeoutMs: 5000 };

it.each(['single', 'pipelined', 'batched'] as const)('%s: reaches a node over TLS', async (mode) => {
  const fake = await startFakeUpstream({ tls: { cert, key } });
  const policy = policyFor(fake.port, {
    ...patient,
    host: 'localhost',
    ca: cert,
    mode,
    maxResponseBytes: 3_000_000,
  });
  const upstream = createUpstream(policy, testDeps());
  for (let round = 0; round < 3; round++) {
    const callers = [10, 20_000, 300_000].map((size) => sendTo(upstream, { nonce: `"${'x'.repeat(size)}"` }));
    await Promise.all(callers.map((caller) => caller.settled));
    expect(callers.map((caller) => caller.reason)).toEqual(['', '', '']);
    for (const caller of callers) expect(caller.result === caller.nonce).toBe(true);
  }
  expect(fake.accepted).toBeLessThanOrEqual(3);
  await upstream.close(0);
  await fake.close();
});

it.each([
  ['', {}],
  [', whatever the environment says', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
])("sends nothing to a node whose certificate is not trusted, or another host's%s", async (_, env) => {
  const before = process.env;
  process.env = { ...before, ...env };

  const fake = await startFakeUpstream({ tls: { cert, key } });
  for (const [host, ca] of [
    ['localhost', null],
    ['127.0.0.1', cert],
  ] as const) {
    const upstream = createUpstream(policyFor(fake.port, { ...patient, host, ca }), testDeps());
    const caller = sendTo(upstream);
    await caller.settled;
    expect(caller.reason).toMatch(
      /^no_upstream: connect (DEPTH_ZERO_SELF_SIGNED_CERT|ERR_TLS_CERT_ALTNAME_INVALID)$/,
    );
    await upstream.close(0);
  }
  process.env = before;
  expect(fake.bodies).toEqual([]);
  await fake.close();
});
