import {
  Contract,
  ContractFactory,
  FetchRequest,
  isCallException,
  isError,
  JsonRpcProvider,
  type JsonRpcApiProviderOptions,
  Network,
  parseEther,
  Wallet,
} from 'ethers';
import { afterEach, describe, expect, test } from 'vitest';
import { accounts, noAnvil } from '../anvil.ts';
import { abi, bytecode, revertData } from './contract.ts';
import { keys, useGateway } from './gateway.ts';

const network = Network.from(31337);
const providers: JsonRpcProvider[] = [];
afterEach(() => {
  for (const provider of providers.splice(0)) provider.destroy();
});

describe.skipIf(noAnvil)(`ethers over HTTP to a real node${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  const gateway = useGateway();
  /** A provider with its key in a header or in the path, and the statuses of the answers it met. */
  const providerWith = (
    key: string,
    place: 'header' | 'path' = 'header',
    options: JsonRpcApiProviderOptions = {},
  ) => {
    const statuses: number[] = [];
    const request = new FetchRequest(place === 'path' ? `${gateway.url}/${key}` : gateway.url);
    if (place === 'header') request.setHeader('x-api-key', key);
    const send = FetchRequest.createGetUrlFunc();
    request.getUrlFunc = async (asked, signal) => {
      const answer = await send(asked, signal);
      statuses.push(answer.statusCode);
      return answer;
    };
    const provider = new JsonRpcProvider(request, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      polling: true,
      pollingInterval: 20,
      ...options,
    });
    providers.push(provider);
    return { provider, statuses };
  };

  test('reads, with the key in the header and in the path', async () => {
    for (const place of ['header', 'path'] as const) {
      const { provider } = providerWith(keys[place], place);
      expect(await provider.send('eth_chainId', [])).toBe('0x7a69');
      expect(await provider.getBalance(accounts.alice.address)).toBeGreaterThan(parseEther('9000'));
      expect((await provider.getBlock(0))?.number).toBe(0);
    }
  });

  test('sends a transaction and finds its receipt', async () => {
    const { provider } = providerWith(keys.path, 'path');
    const before = await provider.getBalance(accounts.bob.address);
    const alice = new Wallet(accounts.alice.privateKey, provider);
    const sent = await alice.sendTransaction({ to: accounts.bob.address, value: 12345n });
    expect(await sent.wait()).toMatchObject({ status: 1, hash: sent.hash });
    expect(await provider.getBalance(accounts.bob.address)).toBe(before + 12345n);
  });

  test('a call and a revert with its data', async () => {
    const { provider } = providerWith(keys.header);
    const alice = new Wallet(accounts.alice.privateKey, provider);
    const deployed = await new ContractFactory(abi, bytecode, alice).deploy();
    await deployed.waitForDeployment();
    const contract = new Contract(await deployed.getAddress(), abi, provider);
    expect(await contract.getFunction('answer')()).toBe(42n);
    const error = await contract
      .getFunction('forbidden')()
      .catch((thrown: unknown) => thrown);
    if (!isCallException(error)) throw error;
    expect(error.data).toBe(revertData);
    expect(error.revert).toMatchObject({ name: 'Denied', args: [42n] });
  });

  test('calls made together go as one batch', async () => {
    const { provider, statuses } = providerWith(keys.header);
    const numbers = Array.from({ length: 20 }, () => provider.send('eth_blockNumber', []));
    const [id, ...heights] = await Promise.all([provider.send('eth_chainId', []), ...numbers]);
    expect(id).toBe('0x7a69');
    expect(new Set(heights).size).toBe(1);
    expect(statuses).toEqual([200]);
  });

  // ethers would take a Retry-After of 1 to 9 first for milliseconds and give up in a blink (utils/fetch.js, `#send`);
  // ours begins with a zero, so it backs off by itself.
  test('comes back by itself when limited, and succeeds', async () => {
    const { provider, statuses } = providerWith(keys.limited, 'header', { batchMaxCount: 1 });
    await provider.send('eth_gasPrice', []);
    expect(await provider.send('eth_gasPrice', [])).toMatch(/^0x/);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(statuses).toContain(429);
  });

  test('an unknown key is refused once, without coming back', async () => {
    const { provider, statuses } = providerWith('pp_test_unknown_000000000009');
    const error = await provider.send('eth_chainId', []).catch((thrown: unknown) => thrown);
    expect(isError(error, 'SERVER_ERROR')).toBe(true);
    expect(statuses).toEqual([401]);
  });
});
