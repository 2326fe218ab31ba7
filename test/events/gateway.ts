import { callText, send, type TestAnswer } from '../../src/gateway/testing/client.ts';
import { type StoreGateway, startStoreGateway } from '../store/gateway.ts';

/** As retries are in product.md, a thousand times and more faster: eight attempts. */
export const fastRetries = ['5ms', '20ms', '40ms', '80ms', '150ms', '200ms', '200ms'];
export const secret = 'whsec_cG9seW1vcnBoLWV4YW1wbGUtc2VjcmV0';

export interface WebhookGateway extends StoreGateway {
  /** A blocked call of a caller from this address: one event of `method.blocked` with it as subject. */
  blocked(address: string): Promise<TestAnswer>;
}

/** A gateway with a store that tells a webhook at `url` of blocked methods, soon and again. */
export async function startWebhookGateway(options: {
  node: string;
  folder: string;
  url: string;
  store?: string;
  group?: boolean;
  sink?: object;
  config?: object;
}): Promise<WebhookGateway> {
  const { node, folder, url, store, group = false, sink = {}, config = {} } = options;
  const gateway = await startStoreGateway({
    ...{ node, folder, group },
    ...(store !== undefined && { store }),
    config: webhookConfig(url, sink, config),
  });
  return {
    ...gateway,
    blocked: (address) =>
      send(gateway.program.port, {
        headers: { 'x-forwarded-for': address },
        body: callText('admin_peers'),
      }),
  };
}

/** What stands in its config beside the store and the node. */
export function webhookConfig(url: string, sink: object = {}, config: object = {}): object {
  const webhook = { name: 'hook', type: 'webhook', url, secrets: [secret], allow_private: true };
  return {
    server: { workers: 2, drain_timeout: '5s', trusted_proxies: ['127.0.0.1'] },
    methods: { blocked: ['admin_*'] },
    events: {
      window: '1s',
      sinks: [{ ...webhook, events: ['method.blocked'], retries: fastRetries, ...sink }],
    },
    ...config,
  };
}

/** `at` 0 to 65,535: an address of that number, each another caller. */
export function addressOf(at: number): string {
  return `198.51.${Math.floor(at / 256)}.${at % 256}`;
}
