import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type AddressFileMemo, readAddressFiles } from './address-files.ts';
import { readAuthorities, type TrustPlace } from './authorities.ts';
import { upstreamsPathOf } from './checks/context.ts';
import { runChecks } from './checks/index.ts';
import { type Config, completeConfig, deepFreeze } from './config.ts';
import { type Environment, expandEnvironment } from './environment.ts';
import { type Finding, type Places, placeFindings } from './finding.ts';
import { findingsOfIssues, writtenPath } from './issues.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import { configSchema, type ParsedConfig } from './schema/index.ts';
import type { KeyMemo } from './schema/key-memo.ts';
import { readPlainYaml } from './source/plain-yaml.ts';
import { readYaml, type YamlSource } from './source/yaml-source.ts';
import { type ReadFile, reasonOf } from './read-file.ts';
import { readTlsFiles, type TlsMaterial } from './tls-files.ts';

/** Beyond it a file is no config. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export interface LoadOptions {
  env: Environment;
  /** Default: `readFileSync`. */
  readFile?: ReadFile;
  /** Keeps parsed keys from one load to the next: a reload of 10,000 keys parses only those that changed. */
  memo?: KeyMemo;
  /** The same for files of addresses. */
  addressFiles?: AddressFileMemo;
}

export type LoadResult =
  | {
      ok: true;
      config: Config;
      /** Placed at first use: a large file takes seconds to place. */
      warnings(): Problem[];
      /** Absolute paths of all files that were read: what to watch. */
      files: string[];
      /** Contents of `server.tls`'s files; secret. */
      tls: TlsMaterial | null;
      /** As read, for caret lines; holds secrets. */
      text: string;
    }
  | { ok: false; problems: Problem[]; files: string[]; text: string };

/** Reads, expands, parses and checks a config file. Never throws for what is in the file or on the disk. */
export function loadConfig(file: string, options: LoadOptions): LoadResult {
  const absolute = resolve(file);
  const readFile = options.readFile ?? readFileSync;
  let text: string;
  try {
    const bytes = readFile(absolute);
    if (bytes.length > FILE_BYTES_MAX) return unreadable(file, absolute, 'the file is longer than 64MiB');
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const reason = error instanceof TypeError ? 'the file is not valid UTF-8' : reasonOf(error);
    return unreadable(file, absolute, reason);
  }
  const result = parseConfig(text, { ...options, file, directory: dirname(absolute) });
  result.files.unshift(absolute);
  return result;
}

/** The same for a text; `file` is what problems call it, relative paths in it begin at `directory`. */
export function parseConfig(
  text: string,
  options: LoadOptions & { file: string; directory: string },
): LoadResult {
  const { env, file } = options;
  const plain = readPlainYaml(text, (scalar) => expandedOrNothing(scalar, env), options.memo);
  let source: YamlSource | undefined;
  const slow = (): YamlSource => (source ??= readYaml(text, file, env));
  const value = plain === undefined ? slow().value : plain;
  const textProblems = source?.problems ?? [];
  if (textProblems.some((problem) => problem.message.startsWith('not valid YAML'))) {
    return { ok: false, problems: textProblems, files: [], text };
  }
  const { findings, ...checked } = checkValue(value ?? {}, options, (path) => slow().written(path));
  if (checked.config && options.memo) rememberKeys(options.memo, value, checked.parsedKeys);
  const told = new Set(textProblems.map((problem) => problem.path));
  const isNew = (finding: Finding): boolean => !told.has(formatPath(finding.path));
  const errors = findings.filter((finding) => finding.severity === 'error' && isNew(finding));
  if (!checked.config || errors.length > 0 || textProblems.length > 0) {
    const problems = [...textProblems, ...placeFindings(findings.filter(isNew), file, slow())];
    problems.sort((a, b) => a.line - b.line || a.column - b.column);
    return { ok: false, problems, files: checked.files, text };
  }
  const { config, files, tls } = checked;
  return { ok: true, config, files, tls, text, warnings: () => warnings(findings, file, slow) };
}

/** A config from plain data of the file's shape, as for `start --upstream URL`: no file, no places, no environment. */
export function createConfig(
  value: unknown,
  options: { name: string; directory: string; readFile?: ReadFile; addressFiles?: AddressFileMemo },
): LoadResult {
  const { findings, config, files, tls } = checkValue(value, { ...options, env: {} }, () => undefined);
  if (!config)
    return { ok: false, problems: placeFindings(findings, options.name, undefined), files, text: '' };
  return {
    ok: true,
    config,
    files,
    tls,
    text: '',
    warnings: () => warnings(findings, options.name, () => undefined),
  };
}

interface Checked {
  findings: Finding[];
  config?: Config;
  parsedKeys: readonly object[];
  files: string[];
  tls: TlsMaterial | null;
}

function checkValue(
  value: unknown,
  options: LoadOptions & { directory: string },
  written: (path: Path) => string | undefined,
): Checked {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const findings = findingsOfIssues(parsed.error.issues, value, written);
    return {
      findings: findings.map((finding) => ({ ...finding, path: writtenPath(finding.path, value) })),
      files: [],
      tls: null,
      parsedKeys: [],
    };
  }
  const complete = completeConfig(parsed.data, options.directory);
  const readFile = options.readFile ?? readFileSync;
  const material = readTlsFiles(complete, readFile);
  const authorities = readAuthorities(trustPlaces(complete, parsed.data), readFile);
  const addresses = readAddressFiles(complete, readFile, options.addressFiles);
  const config = deepFreeze(complete);
  const told = [
    ...material.findings,
    ...authorities.findings,
    ...addresses.findings,
    ...runChecks(parsed.data, config),
  ];
  const findings = told.map((finding) => ({
    ...finding,
    path: writtenPath(finding.path, value),
  }));
  const failed = findings.some(({ severity }) => severity === 'error');
  return {
    findings,
    config: failed ? undefined : config,
    parsedKeys: parsed.data.keys,
    files: [...material.files, ...authorities.files, ...addresses.files],
    tls: material.tls,
  };
}

function trustPlaces({ networks, redis }: Config, parsed: ParsedConfig): TrustPlace[] {
  const upstreams = networks.flatMap(({ name, upstreams: list }) =>
    list.map(({ tls }, index) => ({ tls, path: [...upstreamsPathOf(parsed, name), index] })),
  );
  return redis === null ? upstreams : [...upstreams, { tls: redis.tls, path: ['redis'] }];
}

function rememberKeys(memo: KeyMemo, value: unknown, parsed: readonly object[]): void {
  const { keys } = value as { keys?: unknown };
  if (!Array.isArray(keys)) return;
  for (const [index, entry] of (keys as object[]).entries()) {
    const result = parsed[index];
    if (result && result !== entry) memo.parsed(entry, result);
  }
  memo.sweep();
}

function warnings(findings: Finding[], file: string, places: () => Places | undefined): Problem[] {
  return findings.length === 0 ? [] : placeFindings(findings, file, places());
}

function expandedOrNothing(text: string, env: Environment): string | undefined {
  let good = true;
  const expanded = expandEnvironment(text, env, () => {
    good = false;
  });
  return good ? expanded : undefined;
}

function unreadable(file: string, absolute: string, message: string): LoadResult {
  const problem: Problem = { severity: 'error', file, line: 0, column: 0, length: 1, path: '', message };
  return { ok: false, problems: [problem], files: [absolute], text: '' };
}
