import { jsonOf, type JsonSchema } from './schema/facts.ts';
import { configSchema } from './schema/index.ts';

/** JSON Schema (draft 7) of the config file, for editors: what `polymorph schema` prints. */
export function editorSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'PolymorphProxy',
    ...jsonOf(configSchema),
  };
}
