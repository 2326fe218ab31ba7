import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noAnvil } from '../anvil.ts';
import { readPage, readPages, root } from './markdown.ts';
import { playScene, scenesOf } from './scene.ts';

const scenes = scenesOf(readPages());

/** Programs that transcripts call beside ours. */
function ensureTools(): string | false {
  try {
    execFileSync(join(root, 'scripts/ensure-tools.sh'), ['bash', 'curl'], { timeout: 300_000 });
    return false;
  } catch {
    return 'there is no bash or no curl';
  }
}
const lacking = noAnvil || ensureTools();

/** As many at a time as there are processors in a small machine; each starts programs of its own. */
const turns = [Promise.resolve(), Promise.resolve()];
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = turns.shift()!;
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.push(turn.then(() => promise));
  await turn;
  try {
    return await work();
  } finally {
    resolve();
  }
}

describe.skipIf(lacking)(
  `transcripts print what our pages show${lacking ? ` (skipped: ${lacking})` : ''}`,
  () => {
    test.concurrent.each(scenes.map((scene) => [scene.name, scene] as const))(
      '%s',
      { timeout: 300_000 },
      async (_, scene) => {
        const faults = await inTurn(() => playScene(scene));
        expect(faults.join('\n\n')).toBe('');
      },
    );
  },
);

test('there are transcripts', () => {
  expect(scenes.filter(({ name }) => name.startsWith('docs/EXAMPLES.md: ')).length).toBe(18);
});

describe.skipIf(lacking)('a transcript', () => {
  const played = async (...lines: string[]): Promise<string[]> => {
    const text = [
      '## A',
      '```text file=a/b.txt',
      '127.0.0.1:8541',
      '```',
      '```console',
      ...lines,
      '```',
      '',
    ].join('\n');
    return playScene(scenesOf([readPage('a.md', text)])[0]!);
  };

  test('that shows what is printed has no faults', async () => {
    const lines = [
      '$ cat a/b.txt; echo said >&2',
      '127.0.0.1:8541',
      'said',
      '$ WORD=two; sleep 9 &',
      '$ kill %1; echo \\',
    ];
    expect(await played(...lines, '  $WORD', 'two')).toEqual([]);
  });

  test('is found out, with the line of the page', async () => {
    expect(await played('$ echo one', 'one', '$ echo two', 'three')).toEqual([
      'line 8: $ echo two\n--- the page shows\nthree\n\n--- printed was\ntwo\n',
    ]);
  });
});
