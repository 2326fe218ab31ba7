import { usualAdmin } from '../admin-url.ts';
import { demoLimited } from './demo-config.ts';

export interface WelcomeFacts {
  version: string;
  /** Of the public listener, e.g. http://127.0.0.1:8540 */
  address: string;
  admin: string | null;
  key: string;
  chainId: number;
  colour: boolean;
}

type Paint = (text: string) => string;

/** What the demo prints once it serves: where, with which key, three things to try, and how to go on. */
export function welcome({ version, address, admin, key, chainId, colour }: WelcomeFacts): string {
  const paint = (code: string): Paint =>
    colour ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text;
  const [bold, dim, green, cyan, yellow] = [paint('1'), paint('2'), paint('32'), paint('36'), paint('33')];
  const { method, requests, burst } = demoLimited;
  const passing = requests + burst;
  const numbers = Array.from({ length: passing + 2 }, (_, index) => index + 1).join(' ');
  const call = `curl -s ${address} -H 'x-api-key: ${key}' -d '${body('1', 'eth_blockNumber')}'; echo`;
  const loop = `for i in ${numbers}; do curl -s ${address} -d '${body(`'$i'`, method)}'; echo; done`;
  const asked = JSON.stringify({ method, address: '127.0.0.1' });
  const why =
    admin === null
      ? []
      : [
          '',
          dim('# an explain: which rule a call meets now, and what is left of its bucket'),
          cyan(`curl -s ${admin}/explain -H 'content-type: application/json' -d '${asked}'; echo`),
        ];
  return `${[
    '',
    `${bold(green('PolymorphProxy'))} ${version} is running in front of a local Ethereum node made for this demo (anvil, chain ${chainId}).`,
    '',
    `  address  ${bold(address)}  ${dim(`(and ${address.replace(/^http/, 'ws')} for eth_subscribe)`)}`,
    `  key      ${bold(key)}  ${dim('(made for this run)')}`,
    ...(admin === null ? [] : [`  admin    ${admin}`]),
    '',
    bold('Try, in another terminal:'),
    '',
    ...[
      dim('# a call'),
      cyan(call),
      '',
      dim(
        `# a call that is limited: ${passing} pass, the others are refused and say why (with the key all pass)`,
      ),
      cyan(loop),
      ...why,
      ...(admin === null
        ? []
        : [
            dim('# readable, and for a refusal just met, by its requestId; and who calls what, live:'),
            cyan(`bin/polymorph explain REQUEST_ID${where(admin)}`),
            cyan(`bin/polymorph top${where(admin)}`),
          ]),
    ].map((line) => (line === '' ? '' : `  ${line}`)),
    '',
    bold('With your own node:'),
    '',
    `  ${yellow('npm start -- --upstream http://127.0.0.1:8545')}`,
    `  ${yellow('npm start -- --config polymorph.yaml')}  ${dim('(examples/ has some to begin with)')}`,
    '',
    dim('Ctrl-C ends everything this started.'),
    '',
  ].join('\n')}\n`;
}

/** How a command is told where to ask, if it would not know. */
function where(admin: string): string {
  return admin === usualAdmin ? '' : ` --admin ${admin}`;
}

function body(id: string, method: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`;
}
