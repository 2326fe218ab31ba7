import { hash } from 'node:crypto';
import { type AddressFile, keepNetworks } from './address-file.ts';
import type { Config } from './config.ts';
import { deepFreeze } from './config.ts';
import type { Finding } from './finding.ts';
import { maskSecrets } from './mask.ts';
import { type Cidr, cidrProblem, formatCidr, parseCidr } from '../identity/index.ts';
import { type ReadFile, reasonOf } from './read-file.ts';

/** Files as they were read last, by path: a reload reads lines again only of files that changed. */
export type AddressFileMemo = Map<string, { sha256: string; file: AddressFile }>;

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const ENTRIES_MAX = 1_000_000;
/** Of one file: who confused files need not see each line. */
const PROBLEMS_MAX = 10;

/** Reads `deny_files` and `allow_files` of a config that is not frozen yet, and puts their entries into it. */
export function readAddressFiles(
  { blocklist }: Pick<Config, 'blocklist'>,
  readFile: ReadFile,
  memo: AddressFileMemo = new Map(),
): { files: string[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const paths: string[] = [];
  for (const field of ['deny_files', 'allow_files'] as const) {
    const files = blocklist[field] as AddressFile[];
    for (const [index, { path }] of files.entries()) {
      paths.push(path);
      const fail = (message: string): void =>
        void findings.push({
          severity: 'error',
          path: ['blocklist', field, index],
          at: 'value',
          message,
        });
      files[index] = readOne(path, readFile, memo, fail);
    }
  }
  // A million entries of a file that is named no longer would stay for ever.
  for (const path of memo.keys()) if (!paths.includes(path)) memo.delete(path);
  return { files: paths, findings };
}

function readOne(
  path: string,
  readFile: ReadFile,
  memo: AddressFileMemo,
  fail: (message: string) => void,
): AddressFile {
  const nothing: AddressFile = { path, entries: [], lines: [] };
  let text: string;
  let sha256: string;
  try {
    const bytes = readFile(path);
    sha256 = hash('sha256', bytes);
    const known = memo.get(path);
    if (known?.sha256 === sha256) return known.file;
    if (bytes.length > FILE_BYTES_MAX) throw new RangeError('the file is longer than 64MiB');
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not valid UTF-8' : reasonOf(error);
    fail(`cannot read ${path}: ${reason}`);
    return nothing;
  }
  const file = parseLines(path, text, fail);
  if (file === undefined) return nothing;
  memo.set(path, { sha256, file });
  return file;
}

function parseLines(path: string, text: string, fail: (message: string) => void): AddressFile | undefined {
  const networks: Cidr[] = [];
  const entries: string[] = [];
  const lines: number[] = [];
  let problems = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.replace(/#.*$/s, '').trim();
    if (entry === '') continue;
    const network = parseCidr(entry);
    if (network === undefined) {
      problems += 1;
      if (problems <= PROBLEMS_MAX) fail(`${path}:${index + 1}: ${describe(entry)}`);
    } else if (entries.length >= ENTRIES_MAX) {
      fail(`${path}:${index + 1}: more than ${ENTRIES_MAX} entries`);
      return undefined;
    } else {
      networks.push(network);
      entries.push(formatCidr(network));
      lines.push(index + 1);
    }
  }
  if (problems > PROBLEMS_MAX) fail(`${path}: ${problems - PROBLEMS_MAX} more lines are wrong`);
  if (problems > 0) return undefined;
  const file = deepFreeze({ path, entries, lines });
  keepNetworks(file, networks);
  return file;
}

function describe(entry: string): string {
  const shown = JSON.stringify(maskSecrets(entry.length > 60 ? `${entry.slice(0, 57)}…` : entry));
  const problem = cidrProblem(entry) ?? '';
  return problem.startsWith('has bits')
    ? `${shown} ${problem}`
    : `found ${shown}, expected a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address`;
}
