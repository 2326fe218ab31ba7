import { families, type FamilyDefinition } from './families.ts';
import { METHOD_LABELS_MAX } from './method-names.ts';

/** docs/metrics.md, from the definitions. */
export function metricsPage(): string {
  const rows = Object.entries(families).map(([name, family]) => row(name, family));
  return `${head}
| metric | type | labels | what it is |
|---|---|---|---|
${rows.join('\n')}
`;
}

function row(name: string, { type, labels, help }: FamilyDefinition): string {
  const list = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${type} | ${list} | ${help.replaceAll('|', '\\|')} |`;
}

const head = `<!-- Written by npm run docs from src/metrics. Change it there. -->

# Metrics

\`GET /metrics\` on the admin listener (127.0.0.1:9540 by default) is a page for Prometheus: its text format 0.0.4, or OpenMetrics
1.0 where the \`Accept\` header asks for it, as Prometheus does by itself. Where \`admin.token\` is set it asks for the token as everything
there does.

\`\`\`yaml prometheus
scrape_configs:
  - job_name: polymorph
    authorization: { credentials_file: /etc/prometheus/polymorph-token }   # where admin.token is set
    static_configs: [{ targets: ['127.0.0.1:9540'] }]
\`\`\`

[deploy/grafana-dashboard.json](../deploy/grafana-dashboard.json) is a dashboard and
[deploy/prometheus-rules.yaml](../deploy/prometheus-rules.yaml) has rules for alerts, both of these metrics.

Counters are those of all workers since the process started, those that died and were replaced included; they never fall. A call is counted
before its answer leaves. Histograms have a bucket for each power of two of microseconds from 256 µs to 16.8 s.

Labels have few values, and none is a key or an address: \`network\`, \`upstream\`, \`rule\` and \`sink\` are names of the config, and \`method\` is
a well-known method, a name or pattern that \`methods\` or \`limits.methods\` has, or \`other\`; ${METHOD_LABELS_MAX} at most. Who calls how much is what
[statistics](statistics.md) are for.

\`outcome\` of \`polymorph_requests_total\` is one of \`allowed\` and \`burst\` (let in), and \`exceeded\` (by a limit), \`blocked\`
(the method), \`quota\`, \`unauthorized\`, \`forbidden\`, \`invalid\` and \`shed\` (for want of room), which were refused. Series of outcomes
that never happened are not there.
`;
