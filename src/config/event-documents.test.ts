import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alertMetricNames, formatProblem, parseConfig } from './index.ts';

const docs = new URL('../../docs/', import.meta.url);
const env = {
  WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  SLACK_WEBHOOK: 'https://hooks.slack.com/services/T000/B000/XXXX',
  DISCORD_WEBHOOK: 'https://discord.com/api/webhooks/1/XXXX',
  PAGERDUTY_KEY: '0123456789abcdef0123456789abcdef',
  RESEND_KEY: 're_123',
  MAILGUN_BASIC: 'YXBpOmtleQ==',
};
const upstreams = 'upstreams: [{ url: "http://127.0.0.1:8545" }]\n';

describe.each([
  ['events-sinks.md', 7],
  ['alerts.md', 1],
])('docs/%s', (name, least) => {
  const page = readFileSync(new URL(name, docs), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, yaml = '']) => yaml);

  it('has examples', () => expect(blocks.length).toBeGreaterThanOrEqual(least));

  it.each(blocks.map((yaml, index) => [index + 1, yaml] as const))('config %i', (_, yaml) => {
    const whole = yaml.includes('upstreams:\n') ? yaml : `${upstreams}${yaml}`;
    const result = parseConfig(whole, { env, file: name, directory: '/etc' });
    expect((result.ok ? result.warnings() : result.problems).map(formatProblem)).toEqual([]);
  });

  it('links to files that are there', () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)[^):]*\)/g)].map(([, target = '']) => target);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((target) => !existsSync(new URL(target, docs)))).toEqual([]);
  });
});

it('docs/alerts.md tells of every metric', () => {
  const page = readFileSync(new URL('alerts.md', docs), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(alertMetricNames.filter((name) => !table.some((row) => row.includes(`\`${name}\``)))).toEqual([]);
});
