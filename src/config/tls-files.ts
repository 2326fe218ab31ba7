import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { type ReadFile, reasonOf } from './read-file.ts';

/** PEM texts; the key is secret. */
export interface TlsMaterial {
  cert: string;
  key: string;
}

export interface TlsFiles {
  tls: TlsMaterial | null;
  files: string[];
  findings: Finding[];
}

/** Reads the certificate and its key, and sees that they are good and belong together. */
export function readTlsFiles({ server }: Pick<Config, 'server'>, readFile: ReadFile): TlsFiles {
  if (!server.tls) return { tls: null, files: [], findings: [] };
  const findings: Finding[] = [];
  const fail = (field: 'cert' | 'key', message: string): void => {
    findings.push({ severity: 'error', path: ['server', 'tls', field], at: 'value', message });
  };
  const read = (field: 'cert' | 'key', path: string): string => {
    try {
      return Buffer.from(readFile(path)).toString('utf8');
    } catch (error) {
      fail(field, `cannot read ${path}: ${reasonOf(error)}`);
      return '';
    }
  };
  const tls = { cert: read('cert', server.tls.cert), key: read('key', server.tls.key) };
  const files = [server.tls.cert, server.tls.key];
  if (findings.length > 0) return { tls: null, files, findings };
  checkPair(tls, server.tls, fail);
  return { tls: findings.length > 0 ? null : tls, files, findings };
}

function checkPair(
  tls: TlsMaterial,
  paths: TlsMaterial,
  fail: (field: 'cert' | 'key', message: string) => void,
): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(tls.cert);
  } catch {
    fail('cert', `${paths.cert} holds no PEM certificate`);
    return;
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(tls.key))) {
      fail('key', `${paths.key} is not the key of the certificate`);
      return;
    }
    createSecureContext(tls);
  } catch {
    fail('key', `${paths.key} holds no usable PEM private key`);
  }
}
