import { describe, expect, test } from 'vitest';
import { judgeMention } from './command-line.ts';
import { judgeShell, typedLines } from './commands.ts';
import { simpleCommands } from './shell-words.ts';

describe('a shell text is taken apart', () => {
  test.each([
    ['a b  c # d', [['a', 'b', 'c']]],
    ["a 'b c' \"d 'e'\" f\\ g", [['a', 'b c', "d 'e'", 'f g']]],
    ['a | b && c; d &', [['a'], ['b'], ['c'], ['d']]],
    ['A=1 B="$(x y)" a', [['x', 'y'], ['a']]],
    [
      'a "$(b "c d")" e',
      [
        ['b', 'c d'],
        ['a', '$()', 'e'],
      ],
    ],
    ['a > f 2>&1 < g 2>/dev/null b', [['a', 'b']]],
    ['a \\\n  b\nc', [['a', 'b'], ['c']]],
    ["a <<'END' | b\nno command\nEND\nc", [['a'], ['b'], ['c']]],
    ['for i in 1 2; do a; done', [['for', 'i', 'in', '1', '2'], ['a']]],
  ])('%s', (text, expected) => expect(simpleCommands(text)).toEqual(expected));
});

describe('of commands that are not run', () => {
  test.each([
    'polymorph check polymorph.yaml',
    'polymorph keys create --user ada@example.com --name acme --set "*=5/1s"',
    'KEY=$(bin/polymorph keys rotate acme --grace 24h)',
    'npx polymorph-proxy start --upstream http://127.0.0.1:8545',
    'npm start -- --config polymorph.yaml',
    'npm run bench',
    'polymorph help explain',
    "curl 'http://127.0.0.1:9540/stats/top?by=refused'",
    `curl 127.0.0.1:8540 -d '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'`,
    `curl http://127.0.0.1:9540/explain -d '{"method":"eth_call"}'`,
    'docker exec polymorph polymorph top',
  ])('%s is right', async (line) => expect(await judgeShell(line)).toEqual([]));

  test.each([
    ['polymorph chekc a.yaml', /unknown command 'chekc'/],
    ['polymorph keys make', /unknown command 'make'/],
    ['polymorph keys create --name a', /required option '--user/],
    ['true && polymorph top --sorted x', /unknown option '--sorted'/],
    ['polymorph start --listen here', /Expected an address and port/],
    ['echo "$(polymorph check)"', /missing required argument/],
    ['npm start -- --confg a', /unknown option '--confg'/],
    ['npm run benhc', /no script benhc/],
    ['docker exec polymorph polymorph top --onze', /unknown option '--onze'/],
    ['curl http://127.0.0.1:9540/stats/tops', /no such path/],
    ["curl 127.0.0.1:8540 -d '{a}'", /no JSON/],
    ['a $(', /syntax error|unexpected EOF/],
    ['frobnicate now', /no rule for frobnicate/],
    ['scripts/nothing.sh', /no such file/],
  ])('%s is wrong', async (line, fault) => {
    expect(await judgeShell(line)).toEqual([expect.stringMatching(fault)]);
  });
});

test.each([
  ['check FILE', undefined],
  ['keys', undefined],
  ['start --help', undefined],
  ['blocklist …', undefined],
  ['COMMAND', undefined],
  ['keys mkae', 'there is no command keys mkae'],
  ['plna OLD NEW', 'there is no command plna'],
  ['top --onze', 'top has no option --onze'],
])('the mention of polymorph %s: %s', async (words, fault) => {
  expect(await judgeMention(words.split(' '))).toBe(fault);
});

test('the lines that are typed of a transcript', () => {
  expect(typedLines('$ a \\\n  b\nprinted $ c\n$ d\n')).toEqual(['a \\\n  b', 'd']);
});
