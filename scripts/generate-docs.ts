/** Writes docs/configuration.md and examples/config.schema.json from the config's schema, docs/metrics.md from the definitions. Tests keep them equal. */
import { writeFileSync } from 'node:fs';
import { editorSchema, referencePage } from '../src/config/index.ts';
import { metricsPage } from '../src/metrics/index.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), referencePage());
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage());
writeFileSync(
  new URL('../examples/config.schema.json', import.meta.url),
  `${JSON.stringify(editorSchema(), null, 2)}\n`,
);
