/** Writes docs/configuration.md and examples/config.schema.json from the config's schema, docs/errors/config.md from what tests say of bad configs,
 * docs/metrics.md from the definitions, docs/statistics.md from the schemas of /stats, the events of docs/billing-webhooks.md from theirs. Tests keep
 * them equal. */
import { readFileSync, writeFileSync } from 'node:fs';
import { editorSchema, referencePage } from '../src/config/index.ts';
import { statisticsPage } from '../src/admin/index.ts';
import { withEventTypes } from '../src/events/index.ts';
import { metricsPage } from '../src/metrics/index.ts';
import { configErrorsPage } from './docs/config-errors.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), referencePage());
writeFileSync(new URL('../docs/errors/config.md', import.meta.url), configErrorsPage());
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage());
writeFileSync(new URL('../docs/statistics.md', import.meta.url), statisticsPage());
writeFileSync(
  new URL('../examples/config.schema.json', import.meta.url),
  `${JSON.stringify(editorSchema(), null, 2)}\n`,
);

const webhooks = new URL('../docs/billing-webhooks.md', import.meta.url);
writeFileSync(webhooks, withEventTypes(readFileSync(webhooks, 'utf8')));
