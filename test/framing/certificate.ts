import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certA, keyA } from '../../src/config/testing/certificates.ts';

/** Runs `start` with the files of a certificate, as `server.tls` names them, and removes them afterwards. */
export async function withCertificate<T>(
  start: (tls: { cert: string; key: string }) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-tls-'));
  try {
    const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(tls.cert, certA);
    await writeFile(tls.key, keyA);
    return await start(tls);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
