import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadTls } from './tls-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'polymorph-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

function makePair(name: string): { cert: string; key: string } | undefined {
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  try {
    execFileSync(
      'openssl',
      ['req', '-x509', ...curve, ...subject, '-keyout', paths.key, '-out', paths.cert],
      { stdio: 'ignore' },
    );
    return paths;
  } catch {
    return undefined;
  }
}

const [one, two] = [makePair('one'), makePair('two')];

test.skipIf(one === undefined || two === undefined)(
  'a pair is loaded, two halves of different pairs are not (openssl makes them)',
  async () => {
    expect(await loadTls(one!)).toHaveProperty('cert', expect.stringContaining('BEGIN CERTIFICATE'));
    const mixed = await loadTls({ cert: one!.cert, key: two!.key });
    expect(mixed).toHaveProperty('problem', expect.stringMatching(/mismatch/i));
  },
);

test('missing and foreign files are told by path, without their contents', async () => {
  const bad = join(folder, 'bad.pem');
  writeFileSync(bad, 'canary');
  const foreign = await loadTls({ cert: bad, key: bad });
  expect(foreign).toHaveProperty('problem', expect.stringContaining(bad));
  expect(JSON.stringify(foreign)).not.toContain('canary');
  expect(await loadTls({ cert: join(folder, 'none'), key: bad })).toHaveProperty(
    'problem',
    expect.stringContaining('ENOENT'),
  );
});
