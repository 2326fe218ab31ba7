/**
 * `npm run pictures`: makes the README's pictures anew, of the real program in a real terminal (tmux). It needs curl, tmux and the ports of
 * the demo, 8540 and 9540.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from './load.ts';
import { terminalSvg } from './terminal-svg.ts';

const root = join(import.meta.dirname, '../..');
const columns = 104;
const server = ['-L', `polymorph-pictures-${process.pid}`];
const patienceMs = 120_000;

function tmux(...args: string[]): string {
  const done = spawnSync('tmux', [...server, '-f', '/dev/null', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', PS1: '$ ', HISTFILE: '' },
  });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`tmux ${args[0]}: ${done.stderr}`);
  return done.stdout;
}

/** A shell in a terminal of so many rows. */
async function open(name: string, rows: number): Promise<void> {
  tmux('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(rows), 'sh');
  // As an ordinary user's shell asks, also where this is root's.
  type(name, "PS1='$ '; clear");
  await shown(name, /^\$ *$/);
}

function type(name: string, line: string): void {
  tmux('send-keys', '-t', name, '-l', line);
  tmux('send-keys', '-t', name, 'Enter');
}

const rowsOf = (name: string, ...how: string[]): string[] =>
  tmux('capture-pane', '-p', ...how, '-t', name)
    .trimEnd()
    .split('\n');

/** Waits until the terminal shows it; gives all it shows, lines put together that were too long for it. */
async function shown(name: string, pattern: RegExp): Promise<string> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(100)) {
    const text = rowsOf(name, '-J').join('\n');
    if (pattern.test(text)) return text;
  }
  throw new Error(`${name} does not show ${pattern}:\n${rowsOf(name).join('\n')}`);
}

function take(name: string, title: string): void {
  const path = `docs/images/${name}.svg`;
  writeFileSync(join(root, path), terminalSvg(rowsOf(name, '-e'), columns, title));
  console.log(path);
}

const end = () => void spawnSync('tmux', [...server, 'kill-server']);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    end();
    process.exit(1);
  });

try {
  await open('start', 40);
  type('start', 'npm start');
  const welcome = await shown('start', /Ctrl-C ends everything/);

  const loop = /^ *(for i in .*)$/m.exec(welcome)?.[1] ?? '';
  await open('explain', 45);
  type('explain', loop);
  const answers = await shown('explain', /"id":7,.*requestId[^\n]*\n\$/s);
  const [id = ''] = [...answers.matchAll(/"requestId":"([^"]+)"/g)].map(([, found]) => found);
  type('explain', `bin/polymorph explain ${id}`);
  await shown('explain', /\$ bin\/polymorph explain [^$]*\n\$ *$/);
  take('explain', 'Seven calls, two of them refused by a limit, and why');

  const key = /pp_live_\w+/.exec(welcome)?.[0] ?? '';
  const stop = startLoad('http://127.0.0.1:8540', key);
  await open('top', 20);
  type('top', 'bin/polymorph top --interval 500ms');
  await shown('top', /CALLER/);
  await sleep(15_000);
  take('top', 'polymorph top: who calls what');
  await stop();
  tmux('send-keys', '-t', 'top', 'q');
  tmux('send-keys', '-t', 'start', 'C-c');
  await shown('start', /\n\$ *$/);
} finally {
  end();
}
