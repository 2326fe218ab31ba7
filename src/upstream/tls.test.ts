import { expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { policyFor, sendTo, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';

/** Made for this test: `localhost`, signed by itself. */
const cert = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUDABN5QxnfMJyJzrEHih+wYGnDhcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjIwMDI0OFoYDzIxMjYxMDI5
MjAwMjQ4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASiLonq5xywVwWUspJ/cXwRtI7PFmALr9ZRoeNCnuy+QGXOuRSj/kot
RWcJBccSxGmzkSMO7ZEBhU9dhNJGD2kRo2kwZzAdBgNVHQ4EFgQUIC4eYtRbfZDg
hzpn6nmnuqCc2YkwHwYDVR0jBBgwFoAUIC4eYtRbfZDghzpn6nmnuqCc2YkwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgUpIdBMdHY2ksYlC2eY3mmhHxWGTGJL/qw94PIwFIxkwCIDa5d/0Y+zYn
YA0NiMqgMUfy6o89WEWbMAUKbS5cj+lY
-----END CERTIFICATE-----`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgr/MR4qJuc5FmFeWq
W3LloUcybK6KrTBO7UBoI6pBth6hRANCAASiLonq5xywVwWUspJ/cXwRtI7PFmAL
r9ZRoeNCnuy+QGXOuRSj/kotRWcJBccSxGmzkSMO7ZEBhU9dhNJGD2kR
-----END PRIVATE KEY-----`;

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
