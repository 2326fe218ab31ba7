import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

export interface TlsPaths {
  cert: string;
  key: string;
}

/** PEM texts. */
export interface TlsPair {
  cert: string;
  key: string;
}

/**
 * Reads a certificate and its key and proves that they belong together. A failure is a value, with the path or
 * OpenSSL's reason and never any of the key: a reload keeps the old pair then.
 */
export async function loadTls(paths: TlsPaths): Promise<TlsPair | { problem: string }> {
  try {
    const [cert, key] = await Promise.all([readFile(paths.cert, 'utf8'), readFile(paths.key, 'utf8')]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `TLS certificate ${paths.cert} with key ${paths.key}: ${reason}` };
  }
}
