import { describe, expect, it } from 'vitest';
import { type AddressFileMemo, formatProblem, parseConfig, planChange } from './index.ts';

const upstreams = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';
const listed = `${upstreams}blocklist: { deny_files: [a.txt, /lists/b.txt], deny: [192.0.2.1], allow_files: [c.txt] }\n`;

function load(files: Record<string, string>, text = listed, addressFiles?: AddressFileMemo) {
  const readFile = (path: string) => {
    const found = files[path];
    if (found === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return Buffer.from(found, 'latin1');
  };
  return parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc', readFile, addressFiles });
}

function good(...args: Parameters<typeof load>) {
  const result = load(...args);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result;
}

const files = {
  '/etc/a.txt': '# scanners\r\n\n 198.51.100.0/24 # all of them\n2001:DB8::/32',
  '/lists/b.txt': '::ffff:203.0.113.9\n',
  '/etc/c.txt': '',
};

describe('files of addresses', () => {
  it('are read with the lines that their entries are in, and watched', () => {
    const { config, files: watched } = good(files);
    expect(config.blocklist.deny_files).toEqual([
      { path: '/etc/a.txt', entries: ['198.51.100.0/24', '2001:db8::/32'], lines: [3, 4] },
      { path: '/lists/b.txt', entries: ['203.0.113.9/32'], lines: [1] },
    ]);
    expect(watched).toEqual(['/etc/a.txt', '/lists/b.txt', '/etc/c.txt']);
    expect(Object.isFrozen(config.blocklist.deny_files[0]!.entries)).toBe(true);
  });

  it('are told with the line that is wrong, ten of them', () => {
    const result = load({ ...files, '/etc/a.txt': `10.0.0.1\n10.1.2.3/8\n${'nonsense\n'.repeat(20)}` });
    const problems = result.ok ? [] : result.problems.map(formatProblem);
    expect(problems).toHaveLength(11);
    expect(problems[0]).toMatch(
      /^c\.yaml:2:27: error: blocklist\.deny_files\[0\]: \/etc\/a\.txt:2: "10\.1\.2\.3\/8" has bits set after the prefix: did you mean 10\.0\.0\.0\/8 or 10\.1\.2\.3\?$/,
    );
    expect(problems[1]).toMatch(/\/etc\/a\.txt:3: found "nonsense", expected a network such as/);
    expect(problems[10]).toMatch(/11 more lines are wrong/);
  });

  it('may not be missing, or no UTF-8', () => {
    const result = load({ '/etc/a.txt': '\xff\xfe', '/lists/b.txt': '' });
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      'cannot read /etc/a.txt: it is not valid UTF-8',
      'cannot read /etc/c.txt: no such file',
    ]);
  });

  it('are not parsed again while they stay the same', () => {
    const memo: AddressFileMemo = new Map();
    const [one, two] = [good(files, listed, memo), good(files, listed, memo)];
    expect(two.config.blocklist.deny_files[0]).toBe(one.config.blocklist.deny_files[0]);
    const three = good({ ...files, '/etc/a.txt': '10.0.0.1' }, listed, memo);
    expect(three.config.blocklist.deny_files[0]?.entries).toEqual(['10.0.0.1/32']);
    expect(three.config.blocklist.deny_files[1]).toBe(one.config.blocklist.deny_files[1]);
  });

  it('are forgotten once no list names them', () => {
    const memo: AddressFileMemo = new Map();
    good(files, listed, memo);
    good(files, `${upstreams}blocklist: { deny_files: [a.txt] }\n`, memo);
    expect([...memo.keys()]).toEqual(['/etc/a.txt']);
  });
});

describe('the plan of a blocklist', () => {
  const plan = (from: string, to: string, after: Record<string, string> = files) =>
    planChange(good(files, upstreams + from).config, good(after, upstreams + to).config);

  it('says which entries come and go, wherever they are written', () => {
    expect(plan('', 'blocklist: { deny_files: [a.txt] }').changes).toEqual([
      'blocklist.deny gains 198.51.100.0/24, 2001:db8::/32: refused, unless allow names it.',
    ]);
    expect(
      plan('blocklist: { deny_files: [a.txt] }', 'blocklist: { deny: [198.51.100.0/24, "2001:db8::/32"] }')
        .changes,
    ).toEqual([]);
    expect(
      plan('blocklist: { allow_files: [a.txt] }', 'blocklist: { allow_files: [a.txt] }', {
        '/etc/a.txt': '198.51.100.0/24',
      }).changes,
    ).toEqual(['blocklist.allow loses 2001:db8::/32: refused again where it is denied or banned.']);
  });

  it('says what else changes, and what waits for a restart', () => {
    const { changes, restartNeeded } = plan(
      'blocklist: { auto_ban: {} }',
      'blocklist: { mode: simulate, max_bans: 500, auto_ban: { ban_for: 1h, weights: { invalid: 3 } } }',
    );
    expect(changes).toEqual([
      'blocklist.mode changes from enforce to simulate.',
      'blocklist.max_bans changes from 100000 to 500.',
      'blocklist.auto_ban.ban_for changes from 10m to 1h.',
      'blocklist.auto_ban.weights.invalid changes from 10 to 3.',
    ]);
    expect(restartNeeded).toHaveLength(1);
    expect(plan('', 'blocklist: { auto_ban: {} }').changes).toHaveLength(1);
  });
});
