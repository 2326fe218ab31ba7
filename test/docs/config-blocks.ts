import { compile, formatProblem, type LoadResult, parseConfig } from '../../src/config/index.ts';
import { certA, keyA } from '../../src/config/testing/certificates.ts';
import { testRegistries } from '../../src/config/testing/registries.ts';
import type { Block } from './markdown.ts';

/** Values that fit, by the name's end, for whatever variable a config names. */
const values: readonly (readonly [RegExp, string])[] = [
  [/(?:^|_)WS_URL$/, 'ws://127.0.0.1:8546'],
  [/(?:PG|DATABASE|STORE)_URL$/, 'postgres://polymorph:secret@127.0.0.1/polymorph'],
  [/REDIS_URL$/, 'redis://127.0.0.1:6379'],
  [/(?:_URL|^URL)$/, 'http://127.0.0.1:8545'],
  [/SLACK_WEBHOOK$/, 'https://hooks.slack.com/services/T000/B000/XXXX'],
  [/WEBHOOK$/, 'https://discord.com/api/webhooks/1/XXXX'],
  [/WEBHOOK_SECRET/, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  [/PAGERDUTY_KEY$/, '0123456789abcdef0123456789abcdef'],
];

/** A value for each variable that has no default. Those that may be keys differ: no two keys are the same. */
function environmentFor(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
  const valueOf = (name: string): string =>
    values.find(([end]) => end.test(name))?.[1] ??
    Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 64);
  return Object.fromEntries(names.map((name) => [name, valueOf(name)]));
}

/** A part of a config has an upstream put before it. */
const upstream = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';

function load(block: Block): LoadResult {
  const whole = /^(?:upstreams|networks):/m.test(block.text) ? block.text : upstream + block.text;
  const readFile = (path: string): Uint8Array =>
    Buffer.from(/key[^/]*$/.test(path) ? keyA : /\.(?:pem|crt)$/.test(path) ? certA : '');
  return parseConfig(whole, { env: environmentFor(whole), file: 'block', directory: '/etc', readFile });
}

/** What is wrong with a block of the gateway's config: by its loader and its compiler, as it says of itself. */
export function judgeConfig(block: Block): string[] {
  const result = load(block);
  if (block.options.has('wrong')) return result.ok ? ['is right, and says that it is wrong'] : [];
  if (!result.ok) return result.problems.map(formatProblem);
  const warnings = result.warnings().map(formatProblem);
  if (block.options.has('warns'))
    return warnings.length > 0 ? [] : ['warns of nothing, and says that it does'];
  if (compile(result.config, testRegistries()).networks.length === 0) return ['has no network'];
  return warnings;
}
