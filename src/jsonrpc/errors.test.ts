import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { docsBase, type RefusalCode, refusals } from './index.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const codes = Object.keys(refusals) as RefusalCode[];

test('docs/errors.md has a section for each code, in the order of the table, and no other', () => {
  const sections = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  expect(sections).toEqual(codes);
});

test.each(codes)('docs/errors.md says of %s what the table says', (code) => {
  const { rpc, http, message, page: address } = refusals[code];
  const section = page.split(`\n## ${code}\n`)[1]?.split('\n## ')[0] ?? '';
  expect(section.trimStart().split('\n')[0]).toBe(`**${message}** · JSON-RPC \`${rpc}\` · HTTP ${http}`);
  expect(section.trim().split('\n\n').length).toBeGreaterThanOrEqual(3);
  expect(page).toContain(`| [\`${code}\`](#${code}) | ${rpc} | ${http} | ${message} |\n`);
  expect(address).toBe(`${docsBase}${code}`);
});

test.each(codes)('%s is fit for every client', (code) => {
  const { http, message } = refusals[code];
  expect(code).toMatch(/^[a-z][a-z_]*$/);
  expect(message).toMatch(/^[A-Z][ -~]*[a-zA-Z]$/);
  expect(http === 200 || (http >= 400 && http < 600)).toBe(true);
});

test('the numbers clients depend on stay as they are', () => {
  const fixed = Object.fromEntries(codes.map((code) => [code, [refusals[code].rpc, refusals[code].http]]));
  expect(fixed).toEqual({
    parse_error: [-32700, 400],
    invalid_request: [-32600, 400],
    body_too_large: [-32600, 413],
    rate_limited: [-32005, 429],
    quota_exhausted: [402, 402],
    method_blocked: [-32004, 200],
    unauthorized: [-32001, 401],
    forbidden: [-32011, 403],
    no_upstream: [-32603, 503],
    upstream_timeout: [-32002, 504],
    upstream_invalid: [-32603, 502],
    path_not_found: [-32601, 404],
    encoding_unsupported: [-32600, 415],
    http_method_unsupported: [-32600, 405],
    request_timeout: [-32600, 408],
    headers_too_large: [-32600, 431],
    bad_http: [-32600, 400],
    too_many_sockets: [-32005, 429],
    too_many_subscriptions: [-32005, 429],
    subscription_unsupported: [-32601, 404],
    overloaded: [-32603, 503],
    unmetered: [-32603, 503],
  });
});
