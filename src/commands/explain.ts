import type { Command } from 'commander';
import { isKeyText, hashKey } from '../identity/index.ts';
import { adminToken, adminUrl, tokenAsked, tokenOption, unreachable, usualAdmin } from './admin-url.ts';
import { type AdminAnswer, askAdmin } from './ask-admin.ts';
import { CommandFailure, exitCodes } from './command.ts';
import { type Explanation, formatExplanation } from './explain/format.ts';
import { formatSockets, type SocketList } from './explain/format-sockets.ts';
import { type CommandIo, processIo } from './io.ts';

interface ExplainOptions {
  key?: string;
  keyName?: string;
  address?: string;
  network?: string;
  method?: string;
  sockets?: boolean;
  admin: string;
  token?: string;
  json?: boolean;
}

/** `polymorph explain`: exit 0 explained, 1 no record of that request, 2 bad usage or admin listener out of reach. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command
    .argument('[id]', 'the X-Request-Id of an answer, or the requestId in an error')
    .option('--method <name>', 'without an id: ask what would happen to a call of this method now')
    .option('--key <key>', 'as the caller with this API key; only its SHA-256 is sent')
    .option('--key-name <name>', 'as the caller whose key has this name')
    .option('--address <address>', 'as a caller without a key from this address')
    .option('--network <name>', 'on this network; default: the first one')
    .option(
      '--sockets',
      'list the WebSockets that are open, of --key-name, --address or --network where given',
    )
    .option('--admin <url>', 'the admin listener of the running gateway', usualAdmin)
    .option(...tokenOption)
    .option('--json', 'print the decision records as JSON')
    .addHelpText(
      'after',
      `
Examples:
  polymorph explain 3k9x2m-0-2a
  polymorph explain --method eth_getLogs --key-name acme
  polymorph explain --method eth_call --address 192.0.2.7 --json
  polymorph explain --sockets --key-name acme`,
    )
    .action(async (id: string | undefined, options: ExplainOptions) => {
      io.stdout(await explain(id, options, io.env));
    });
}

/** What to print. Throws CommandFailure. */
export async function explain(
  id: string | undefined,
  options: ExplainOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const base = adminUrl(options.admin);
  const question = questionOf(id, options);
  const answer = await askAdmin(base, {
    ...question,
    token: adminToken(options.token, env),
    timeoutMs: 5_000,
  }).catch((error: unknown) => {
    throw new CommandFailure(
      `${unreachable(base, error)}.\nIs the gateway running? Name its admin listener with --admin URL.`,
      exitCodes.usage,
    );
  });
  if (options.sockets === true) {
    const list = read(answer, base, isSocketList);
    return options.json === true ? json(list) : formatSockets(list, Date.now());
  }
  const explanation = read(answer, base, isExplanation);
  return options.json === true ? json(explanation) : formatExplanation(explanation);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

type Question = { method: 'GET'; path: string } | { method: 'POST'; path: string; body: unknown };

function questionOf(id: string | undefined, options: ExplainOptions): Question {
  if (options.sockets !== true) return id === undefined ? dryRun(options) : recorded(id, options);
  const other =
    id !== undefined ? 'an id' : (['method', 'key'] as const).find((name) => options[name] !== undefined);
  if (other !== undefined) {
    const named = id !== undefined ? other : `--${other}`;
    throw new CommandFailure(
      `--sockets lists what is open and takes no ${named.replace('an ', '')}.`,
      exitCodes.usage,
    );
  }
  const { keyName, address, network } = options;
  const given = Object.entries({ keyName, address, network }).filter(([, value]) => value !== undefined);
  const filter = new URLSearchParams(given as [string, string][]);
  return { method: 'GET', path: `/sockets${given.length > 0 ? `?${filter.toString()}` : ''}` };
}

function recorded(id: string, options: ExplainOptions): { method: 'GET'; path: string } {
  const unused = (['method', 'key', 'keyName', 'address', 'network'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (unused !== undefined) {
    const flag = unused === 'keyName' ? 'key-name' : unused;
    throw new CommandFailure(
      `An id explains one request; --${flag} is for a question without an id.`,
      exitCodes.usage,
    );
  }
  return { method: 'GET', path: `/explain/${encodeURIComponent(id)}` };
}

function dryRun(options: ExplainOptions): { method: 'POST'; path: string; body: unknown } {
  const { method, key, keyName, address, network } = options;
  if (method === undefined) {
    throw new CommandFailure(
      'Name a request id, or --method to ask about a call (see polymorph explain --help).',
      exitCodes.usage,
    );
  }
  if (key !== undefined && keyName !== undefined) {
    throw new CommandFailure('Give --key or --key-name, not both.', exitCodes.usage);
  }
  if (key !== undefined && !isKeyText(key)) {
    throw new CommandFailure(
      'That is no API key: a key has 22 or more URL-safe characters. To name a key of the config use --key-name.',
      exitCodes.usage,
    );
  }
  const keySha256 = key === undefined ? undefined : Buffer.from(hashKey(key)).toString('hex');
  return { method: 'POST', path: '/explain', body: { method, keySha256, keyName, address, network } };
}

function read<T>({ status, body }: AdminAnswer, base: URL, isExpected: (body: unknown) => body is T): T {
  if (status === 200 && isExpected(body)) return body;
  const detail = isProblem(body) ? body.detail : `it answered HTTP ${status}`;
  if (status === 404 && isProblem(body))
    throw new CommandFailure(`Nothing to explain: ${detail}.`, exitCodes.failure);
  if (status === 401) {
    throw new CommandFailure(`${tokenAsked(base)}.`, exitCodes.usage);
  }
  throw new CommandFailure(
    `The admin listener at ${base.origin} did not explain: ${detail}.`,
    exitCodes.usage,
  );
}

function isExplanation(body: unknown): body is Explanation {
  return typeof body === 'object' && body !== null && Array.isArray((body as { records?: unknown }).records);
}

function isSocketList(body: unknown): body is SocketList {
  return typeof body === 'object' && body !== null && Array.isArray((body as { sockets?: unknown }).sockets);
}

function isProblem(body: unknown): body is { detail: string } {
  return (
    typeof body === 'object' && body !== null && typeof (body as { detail?: unknown }).detail === 'string'
  );
}
