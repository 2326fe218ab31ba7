import { z } from 'zod';
import { adminSection } from './admin.ts';
import { eventsSection } from './events.ts';
import { alertsList } from './alerts.ts';
import { blocklistSection } from './blocklist.ts';
import { describe, jsonOf } from './facts.ts';
import { keysList } from './keys.ts';
import { limitsSection } from './limits.ts';
import { methodsSection } from './methods.ts';
import { networkSettings } from './network-settings.ts';
import { networksMap, upstreamsList } from './networks.ts';
import { explainSection, identitySection, loggingSection } from './others.ts';
import { redisSection } from './redis.ts';
import { serverSection } from './server.ts';
import { storeField } from './store.ts';
import { usageSection } from './usage.ts';
import { websocketSection } from './websocket.ts';

const sections = {
  server: serverSection,
  websocket: websocketSection,
  admin: adminSection,
  ...networkSettings,
  networks: networksMap,
  upstreams: upstreamsList,
  identity: identitySection,
  blocklist: blocklistSection,
  methods: methodsSection,
  limits: limitsSection,
  keys: keysList,
  store: storeField,
  redis: redisSection,
  usage: usageSection,
  events: eventsSection,
  alerts: alertsList,
  explain: explainSection,
  logging: loggingSection,
};

/** The whole config file: parses, fills in defaults, checks types and bounds. Checks across fields stand in `checks/`. */
export const configSchema = z.strictObject(sections);

/** Sections by name, in the order of the reference. */
export const configSections: Readonly<Record<string, z.core.$ZodType>> = sections;

describe(configSchema, {
  type: 'map',
  about: 'Configuration of PolymorphProxy.',
  fields: sections,
  json: () => ({
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(sections).map(([name, schema]) => [name, jsonOf(schema)])),
  }),
});

/** As the file is written: names are the file's, durations are milliseconds, sizes are bytes. */
export type ParsedConfig = z.output<typeof configSchema>;
