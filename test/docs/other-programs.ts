import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cert, key } from '../../src/upstream/testing/certificate.ts';
import { type Block, root } from './markdown.ts';

/** What a program says against a text. Where it is not installed, nothing. */
export function judgeBy(program: string, args: readonly string[], input = ''): string[] {
  const path = existsSync(`/usr/sbin/${program}`) ? `/usr/sbin/${program}` : program;
  const { error, status, stdout, stderr } = spawnSync(path, args, { input, timeout: 20_000 });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return [];
  return status === 0 ? [] : [`${stderr}${stdout}${error?.message ?? ''}`.trim()];
}

/** In a folder with a certificate and its key. */
function inFile(textOf: (folder: string) => string, judge: (file: string) => string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-block-'));
  const file = join(folder, 'block');
  writeFileSync(file, textOf(folder));
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'both.pem'), `${cert}\n${key}`);
  const faults = judge(file);
  rmSync(folder, { recursive: true });
  return faults;
}

const rules = join(root, 'deploy/prometheus-rules.yaml');

/** A config, or rules, of Prometheus. Files that it names are those of the reader's machine; our rules are here. */
export function judgePrometheus(text: string): string[] {
  const here = text
    .replaceAll(/credentials_file: [^\s}]+/g, 'credentials_file: /dev/null')
    .replaceAll(/[\w./-]*prometheus-rules\.yaml/g, rules);
  const what = /^groups:/m.test(text) ? 'rules' : 'config';
  return inFile(
    () => here,
    (file) => judgeBy('promtool', ['check', what, file]),
  );
}

/** One expression a paragraph. */
export function judgePromql({ text }: Block): string[] {
  const expressions = text
    .replaceAll(/^#.*\n/gm, '')
    .split(/\n\n+/)
    .filter((one) => one.trim() !== '');
  const records = expressions.map((expr, index) => ({ record: `block:${index}`, expr }));
  return inFile(
    () => JSON.stringify({ groups: [{ name: 'block', rules: records }] }),
    (file) => judgeBy('promtool', ['check', 'rules', file]),
  );
}

/** A server, what stands in one, or what stands beside one, is put where nginx has it. Names of hosts are made addresses. */
export function judgeNginx({ text }: Block): string[] {
  const beside = /^\s*(?:server|upstream|map)\b/m.test(text) ? text : `server {\n${text}\n}`;
  const inHttp = /^http\b/m.test(text) ? text : `http {\n${beside}\n}`;
  const whole = `${/^events\b/m.test(text) ? '' : 'events {}\n'}pid /dev/null;\nerror_log stderr;\n${inHttp}`;
  const here = (folder: string): string =>
    whole
      .replaceAll(/\b(listen\s[^;]*?)\b(?:80|443)\b/g, '$118443')
      .replaceAll(/ssl_certificate\s+[^;]+;/g, `ssl_certificate ${folder}/cert.pem;`)
      .replaceAll(/ssl_certificate_key\s+[^;]+;/g, `ssl_certificate_key ${folder}/key.pem;`);
  return inFile(here, (file) => judgeBy('nginx', ['-t', '-q', '-c', file]));
}

export function judgeHaproxy({ text }: Block): string[] {
  const defaults =
    'defaults\n  mode http\n  timeout connect 5s\n  timeout client 75s\n  timeout server 75s\n';
  const front = /^(?:frontend|listen)\b/m.test(text) ? '' : '\nfrontend one\n  bind 127.0.0.1:18999\n';
  const whole = (/^defaults\b/m.test(text) ? '' : defaults) + text + front;
  const here = (folder: string): string => whole.replaceAll(/\bcrt\s+\S+/g, `crt ${folder}/both.pem`);
  return inFile(here, (file) => judgeBy('haproxy', ['-c', '-q', '-f', file]));
}
