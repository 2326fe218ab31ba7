import { expect, it } from 'vitest';
import { createConfigReader } from './configuration.ts';
import { createGatewayReload, type GatewayReloadParts } from './reload-gateway.ts';

const configurationOf = (...networks: string[]) => {
  const upstreams = [{ url: 'http://127.0.0.1:1' }];
  const value = { networks: Object.fromEntries(networks.map((name) => [name, { chain_id: 1, upstreams }])) };
  const read = createConfigReader({ kind: 'value', value, name: 'test', directory: '/' }, {}, {})();
  if (!('config' in read)) throw new Error(read.rendered);
  return read;
};

it('workers hear of a policy before the hub does, and the hub does not wait for them', async () => {
  const said: string[] = [];
  const before = configurationOf('eth', 'base');
  const policy = {
    config: before.config,
    snapshot: { generation: 1 },
    adopt: () => ({ generation: 2 }),
    applied: () => said.push('retired'),
  };
  const parts = {
    config: before.config,
    files: [],
    readAtMs: before.readAtMs,
    tls: null,
    readConfig: () => configurationOf('eth'),
    policy,
    dataPlane: {
      apply: async () => {
        said.push('workers');
        await new Promise((resolve) => setImmediate(resolve));
        return { late: [] };
      },
    },
    health: { update: () => {} },
    bans: { configure: () => {} },
    hub: { update: () => said.push('hub') },
    admin: null,
    alerts: { update: () => said.push('alerts'), close: () => {} },
    log: { addSecrets: () => {}, logger: { info: () => {}, warn: () => {}, error: () => {} } },
    instanceId: 'test',
    events: { reloaded: () => said.push('event') },
    watch: false,
    onResult: () => {},
  };
  const reload = createGatewayReload(parts as unknown as GatewayReloadParts);
  expect(await reload.reload()).toMatchObject({ outcome: 'applied' });
  expect(said).toEqual(['workers', 'hub', 'retired', 'alerts', 'event']);
  reload.close();
});
