import { X509Certificate } from 'node:crypto';
import type { Finding } from './finding.ts';
import type { Path } from './problem.ts';
import { type ReadFile, reasonOf } from './read-file.ts';

export interface Authorities {
  /** Absolute, each once. */
  files: string[];
  findings: Finding[];
}

/** TLS to somebody who may be vouched for by a file, and where the file says so. Not frozen yet. */
export interface TrustPlace {
  tls: { ca: string | null; certificates: string } | null;
  path: Path;
}

/** Reads the certificates that each `tls.ca` names into its `tls.certificates`. */
export function readAuthorities(places: readonly TrustPlace[], readFile: ReadFile): Authorities {
  const findings: Finding[] = [];
  const read = new Map<string, { pem: string; problem?: string }>();
  for (const { tls, path } of places) {
    if (tls === null || tls.ca === null) continue;
    let known = read.get(tls.ca);
    if (!known) read.set(tls.ca, (known = readCertificates(tls.ca, readFile)));
    tls.certificates = known.pem;
    if (known.problem === undefined) continue;
    findings.push({ severity: 'error', path: [...path, 'tls', 'ca'], at: 'value', message: known.problem });
  }
  return { files: [...read.keys()], findings };
}

const certificateForm = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [^-]*-----/g;

function readCertificates(path: string, readFile: ReadFile): { pem: string; problem?: string } {
  let pem: string;
  try {
    pem = Buffer.from(readFile(path)).toString('utf8');
  } catch (error) {
    return { pem: '', problem: `cannot read ${path}: ${reasonOf(error)}` };
  }
  const certificates = pem.match(certificateForm) ?? [];
  if (certificates.length === 0) return { pem: '', problem: `${path} holds no PEM certificate` };
  const bad = certificates.findIndex((certificate) => !isCertificate(certificate));
  if (bad >= 0) return { pem: '', problem: `${path}: certificate ${bad + 1} cannot be read` };
  return { pem: certificates.join('\n') };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
