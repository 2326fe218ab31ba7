import { Agent, request } from 'node:http';

/** A caller of the picture: an address of this machine's loopback, and with a key the key. */
interface Caller {
  address: string;
  key?: string;
  method: string;
  perSecond: number;
}

/** Calls a gateway as a handful of callers would, until the returned function is called. */
export function startLoad(url: string, key: string): () => Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const callers: Caller[] = [
    { address: '127.0.0.1', key, method: 'eth_call', perSecond: 180 },
    { address: '127.0.0.1', key, method: 'eth_getBalance', perSecond: 90 },
    { address: '127.0.0.2', method: 'eth_getBlockByNumber', perSecond: 140 },
    { address: '127.0.0.3', method: 'eth_blockNumber', perSecond: 45 },
    { address: '127.0.0.4', method: 'eth_getLogs', perSecond: 20 },
    { address: '127.0.0.5', method: 'eth_gasPrice', perSecond: 4 },
  ];
  const params: Readonly<Record<string, unknown[]>> = {
    eth_call: [{ to: '0x0000000000000000000000000000000000000001', data: '0x' }, 'latest'],
    eth_getBalance: ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', 'latest'],
    eth_getBlockByNumber: ['latest', false],
    eth_getLogs: [{ fromBlock: 'latest' }],
  };
  let id = 0;
  const call = ({ address, key, method }: Caller): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'x-api-key': key }),
      };
      const asked = request(url, { method: 'POST', agent, localAddress: address, headers }, (response) => {
        response.resume().on('end', resolve).on('error', reject);
      });
      asked.on('error', reject);
      asked.end(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: params[method] ?? [] }));
    });
  const timers = callers.map((caller) =>
    setInterval(
      () => void call(caller).catch((error: unknown) => console.error(error)),
      1000 / caller.perSecond,
    ),
  );
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await new Promise((resolve) => setTimeout(resolve, 200));
    agent.destroy();
  };
}
