/** The method that the demo's loop is limited on, and how many calls of it pass at once. */
export const demoLimited = { method: 'eth_gasPrice', requests: 3, period: '10s', burst: 2 } as const;

/**
 * The config of the demo, in the shape of the file. One method has a limit that a loop of seven calls meets; the key
 * made for this run has a rule of its own and passes it. Nothing is kept on disk.
 */
export function demoConfig(upstreamUrl: string, key: string) {
  const { method, requests, period, burst } = demoLimited;
  return {
    server: { state_dir: 'none' },
    // Anvil speaks both on one port.
    upstreams: [{ url: upstreamUrl, ws_url: upstreamUrl.replace(/^http/, 'ws'), name: 'anvil' }],
    limits: {
      default: { requests: 100, period: '1s', burst_size: 50 },
      methods: { [method]: { requests, period, burst_size: burst } },
    },
    keys: [{ name: 'demo', key, limits: { default: { requests: 1000, period: '1s' } } }],
    // The one who tries it will want each call explained.
    explain: { sample: '100%' },
  };
}
