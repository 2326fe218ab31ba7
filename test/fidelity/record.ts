import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startAnvil } from '../anvil.ts';
import { chainOf, questions } from './anvil-calls.ts';
import { membersOf } from './json-text.ts';

/** Posts a body and gives back the answer's; both latin1, one character a byte. */
export async function post(url: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(body, 'latin1') });
  return Buffer.from(await answer.arrayBuffer()).toString('latin1');
}

/** Starts anvil with the same chain each time and says what there is to ask: latin1. */
export async function startRecordedChain() {
  // A time of its own, so that blocks are the same whenever they are made.
  const anvil = await startAnvil(['--timestamp', '1700000000']);
  const hashes: string[] = [];
  for (const signed of await chainOf()) {
    const answer = await post(
      anvil.url,
      `{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["${signed}"]}`,
    );
    hashes.push((JSON.parse(answer) as { result: string }).result);
  }
  return { anvil, bodies: questions(hashes).map((body) => Buffer.from(body).toString('latin1')) };
}

/** `node test/fidelity/record.ts`: records the corpus anew, a file for each method. */
async function record(): Promise<void> {
  const folder = fileURLToPath(new URL('corpus/anvil/', import.meta.url));
  const { anvil, bodies } = await startRecordedChain();
  const files = new Map<string, string>();
  for (const body of bodies) {
    const method = (membersOf(body).get('method') ?? '').slice(1, -1);
    const exchange = `>> ${body}\n<< ${await post(anvil.url, body)}\n`;
    files.set(method, (files.get(method) ?? '') + exchange);
  }
  await anvil.stop();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [method, text] of files) await writeFile(`${folder}${method}.io`, text, 'latin1');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await record();
