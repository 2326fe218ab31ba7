import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AccountsError, type AccountsErrorCode } from '../../src/accounts/index.ts';
import { runOperation } from '../../src/admin/operation-problem.ts';
import { type AdminProblem, type AdminProblemCode, adminProblems } from '../../src/admin/problem.ts';
import type { BindError } from '../../src/control/bind.ts';
import { StartError } from '../../src/control/index.ts';
import type { HttpProblemCode } from '../../src/events/http/http-problem.ts';
import type { DeliveryResult } from '../../src/events/index.ts';
import { type RefusalCode, refusals } from '../../src/jsonrpc/index.ts';
import type { RedisTrouble } from '../../src/redis/failure.ts';
import type { StoreErrorCode } from '../../src/store/index.ts';
import { healthReasonTexts } from '../../src/upstream/board.ts';
import { failureOf } from '../../src/upstream/failure.ts';
import type { FailureKind } from '../../src/upstream/index.ts';
import { closeCauses } from '../../src/websocket/index.ts';

/** Codes that a type lists: the compiler sees to it that each is here, and no other. */
const startCodes: Record<StartError['code'], 1 | 2> = {
  config_invalid: 2,
  upstream_is_ourselves: 2,
  cannot_listen: 1,
  store_unusable: 1,
  worker_failed: 1,
};
const bindCodes: Record<BindError['code'], 1> = {
  port_taken: 1,
  not_permitted: 1,
  no_such_address: 1,
  listen_failed: 1,
};
const operationCodes: Record<AccountsErrorCode, 1 | 2> = {
  invalid: 2,
  unknown_operation: 1,
  not_found: 1,
  ambiguous: 1,
  conflict: 1,
  refused: 1,
  unavailable: 1,
};
const storeCodes: Record<StoreErrorCode, true> = {
  unavailable: true,
  conflict: true,
  invalid: true,
  schema: true,
  locked: true,
};
const failureKinds: Record<FailureKind, true> = {
  connect: true,
  overloaded: true,
  timeout: true,
  reset: true,
  truncated: true,
  oversized: true,
  http: true,
  status: true,
  answer: true,
  throttled: true,
};
const outcomes: Record<DeliveryResult['kind'], true> = {
  delivered: true,
  retry: true,
  rejected: true,
  gone: true,
};
const httpProblems: Record<HttpProblemCode, true> = {
  refused_address: true,
  timeout: true,
  connect: true,
  tls: true,
  broken: true,
  ended: true,
};
const redisTroubles: Record<RedisTrouble, true> = {
  lost: true,
  timeout: true,
  refusing: true,
  answered: true,
};

const docs = join(import.meta.dirname, '../../docs');
const pageOf = (name: string): string => readFileSync(join(docs, name), 'utf8');
const sectionsOf = (page: string): string[] => [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]!);
/** Of a heading, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

const pages: Record<string, readonly string[]> = {
  'errors/start.md': [...Object.keys(startCodes), ...Object.keys(bindCodes)],
  'errors/admin.md': Object.keys(adminProblems),
  'errors/operations.md': Object.keys(operationCodes),
  'errors/store.md': Object.keys(storeCodes),
  'errors/upstreams.md': [...Object.keys(failureKinds), ...healthReasonTexts.filter((text) => text !== '')],
  'errors/sinks.md': [...Object.keys(outcomes), ...Object.keys(httpProblems)],
  'errors/redis.md': Object.keys(redisTroubles),
};

describe.each(Object.entries(pages))('docs/%s', (name, codes) => {
  const page = pageOf(name);

  test('has a section for each code and no other', () => {
    expect(sectionsOf(page).toSorted()).toEqual([...codes].toSorted());
  });

  test.each(codes)('has %s in a table, with a link to its section, which says something', (code) => {
    expect(page).toMatch(new RegExp(`^\\| \\[\`${code}\`\\]\\(#${anchorOf(code)}\\) \\|`, 'm'));
    const section = page.split(`\n## ${code}\n`)[1]?.split('\n## ')[0] ?? '';
    expect(section.trim().length).toBeGreaterThan(20);
  });
});

test.each(Object.entries({ ...startCodes, ...bindCodes }))('start: exit code of %s', (code, exitCode) => {
  expect(pageOf('errors/start.md')).toMatch(new RegExp(`^\\| \\[\`${code}\`\\].* \\| ${exitCode} \\|`, 'm'));
  if (code in startCodes) expect(new StartError(code as StartError['code'], '').exitCode).toBe(exitCode);
});

test.each(Object.keys(adminProblems) as AdminProblemCode[])('admin: status and title of %s', (code) => {
  const { status, title } = adminProblems[code];
  expect(pageOf('errors/admin.md')).toContain(`| [\`${code}\`](#${code}) | ${status} | ${title} |\n`);
});

test.each(Object.entries(operationCodes))(
  'operations: exit code and status of %s',
  async (code, exitCode) => {
    const failing = { run: () => Promise.reject(new AccountsError(code as AccountsErrorCode, 'no')) };
    const problem = await runOperation({ operations: failing }, 'x', {}).catch(
      (error: AdminProblem) => error,
    );
    const { status } = adminProblems[(problem as AdminProblem).code];
    expect((problem as AdminProblem).reason).toBe(code);
    expect(pageOf('errors/operations.md')).toContain(
      `| [\`${code}\`](#${code}) | ${exitCode} | ${status} |\n`,
    );
  },
);

test.each(Object.keys(failureKinds) as FailureKind[])('upstreams: what callers are told of %s', (kind) => {
  const { code } = failureOf(kind, '', 'no');
  const row = `| [\`${kind}\`](#${kind}) | \`${code}\`, ${refusals[code].http} |\n`;
  expect(pageOf('errors/upstreams.md')).toContain(row);
});

test.each(Object.entries(closeCauses))(
  'docs/websocket-protocol.md has the close %s',
  (_, { code, reason }) => {
    const table = pageOf('websocket-protocol.md').split('\n## Close codes\n')[1]!.split('\n## ')[0]!;
    const row = code === 1006 ? /^\| 1000, 1005, 1006 \|/m : new RegExp(`^\\| ${code} \\| ${reason}`, 'm');
    expect(table).toMatch(row);
  },
);

test.each(Object.keys(refusals) as RefusalCode[])(
  'the link in the answer of %s leads to its section',
  (code) => {
    const [file = '', anchor] = refusals[code].page.split('#');
    const path = join(docs, '..', file);
    expect(existsSync(path), path).toBe(true);
    expect(sectionsOf(readFileSync(path, 'utf8')).map(anchorOf)).toContain(anchor);
  },
);
