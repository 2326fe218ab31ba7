import { expect, test } from 'vitest';
import { CommandFailure } from './command.ts';
import { runProgram } from './program.ts';

async function run(...line: string[]): Promise<{ code: number | undefined; said: string; asked: unknown }> {
  const result: { code: number | undefined; said: string; asked: unknown } = {
    code: undefined,
    said: '',
    asked: undefined,
  };
  result.code = await runProgram(line, {
    version: '1.2.3',
    stderr: (text) => void (result.said += text),
    commands: [
      {
        name: 'greet',
        summary: 'say hello',
        load: async () => ({
          configure: (command) =>
            void command
              .option('--to <name>', 'whom', 'world')
              .option('--no-echo', 'once only')
              .action((options: { to: string }) => {
                if (options.to === 'nobody') throw new CommandFailure('There is nobody.', 2);
                result.asked = options;
              }),
        }),
      },
      {
        name: 'pets',
        summary: 'with verbs',
        load: async () => ({
          configure: (command) => void command.command('adopt').requiredOption('--name <name>', 'whom'),
        }),
      },
      {
        name: 'other',
        summary: 'never loaded here',
        load: () => Promise.reject(new Error('was loaded')),
      },
    ],
  });
  return result;
}

test('a command gets its options, with their defaults', async () => {
  expect(await run('greet')).toEqual({ code: undefined, said: '', asked: { to: 'world', echo: true } });
  expect((await run('greet', '--to', 'you', '--no-echo')).asked).toEqual({ to: 'you', echo: false });
});

test('a failure is said without a stack and decides the exit code', async () => {
  expect(await run('greet', '--to', 'nobody')).toMatchObject({ code: 2, said: 'There is nobody.\n' });
  expect(await run('other')).toMatchObject({
    code: 1,
    said: expect.stringContaining('was loaded') as string,
  });
});

test.each([
  [['gret'], "error: unknown command 'gret'\n(Did you mean greet?)\n(see 'polymorph --help')\n"],
  [['gret', '--help'], "error: unknown command 'gret'\n(Did you mean greet?)\n(see 'polymorph --help')\n"],
  [['help', 'gret'], "error: unknown command 'gret'\n(Did you mean greet?)\n(see 'polymorph --help')\n"],
  [
    ['greet', '--too'],
    "error: unknown option '--too'\n(Did you mean --to?)\n(see 'polymorph greet --help')\n",
  ],
  [
    ['pets', 'adopt'],
    "error: required option '--name <name>' not specified\n(see 'polymorph pets adopt --help')\n",
  ],
  [['--nope'], "error: unknown option '--nope'\n(see 'polymorph --help')\n"],
])('%j is a bad command line: exit code 2', async (line, said) => {
  expect(await run(...line)).toEqual({ code: 2, said, asked: undefined });
});
