import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  http,
  type HttpTransportConfig,
  LimitExceededRpcError,
  parseEther,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { foundry } from 'viem/chains';
import { describe, expect, test } from 'vitest';
import { accounts, noAnvil } from '../anvil.ts';
import { abi, bytecode, revertData } from './contract.ts';
import { keys, useGateway } from './gateway.ts';

describe.skipIf(noAnvil)(`viem over HTTP to a real node${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  const gateway = useGateway();
  /** A client with its key in a header, and the statuses of the answers it met. */
  const clientWith = (key: string, config: HttpTransportConfig = {}) => {
    const statuses: number[] = [];
    const transport = http(gateway.url, {
      fetchOptions: { headers: { 'x-api-key': key } },
      onFetchResponse: ({ status }) => void statuses.push(status),
      ...config,
    });
    return { statuses, client: createPublicClient({ chain: foundry, transport, pollingInterval: 20 }) };
  };

  test('reads, with the key in the header and in the path', async () => {
    const { client } = clientWith(keys.header);
    expect(await client.getChainId()).toBe(31337);
    expect(await client.getBalance({ address: accounts.alice.address })).toBeGreaterThan(parseEther('9000'));
    expect((await client.getBlock({ blockNumber: 0n })).number).toBe(0n);
    const byPath = createPublicClient({ chain: foundry, transport: http(`${gateway.url}/${keys.path}`) });
    expect(await byPath.getBlock({ blockNumber: 0n })).toEqual(await client.getBlock({ blockNumber: 0n }));
  });

  test('sends a transaction and finds its receipt', async () => {
    const { client } = clientWith(keys.header);
    const account = privateKeyToAccount(accounts.alice.privateKey);
    const wallet = createWalletClient({
      account,
      chain: foundry,
      transport: http(`${gateway.url}/${keys.path}`),
    });
    const before = await client.getBalance({ address: accounts.bob.address });
    const hash = await wallet.sendTransaction({ to: accounts.bob.address, value: 12345n });
    const receipt = await client.waitForTransactionReceipt({ hash });
    expect(receipt).toMatchObject({ status: 'success', transactionHash: hash });
    expect(await client.getBalance({ address: accounts.bob.address })).toBe(before + 12345n);
  });

  test('a call and a revert with its data', async () => {
    const { client } = clientWith(keys.header);
    const wallet = createWalletClient({
      account: privateKeyToAccount(accounts.alice.privateKey),
      chain: foundry,
      transport: http(`${gateway.url}/${keys.path}`),
    });
    const hash = await wallet.deployContract({ abi, bytecode });
    const { contractAddress: address } = await client.waitForTransactionReceipt({ hash });
    if (!address) throw new Error('not deployed');
    expect(await client.readContract({ abi, address, functionName: 'answer' })).toBe(42n);

    const error = await client
      .readContract({ abi, address, functionName: 'forbidden' })
      .catch((thrown) => thrown);
    if (!(error instanceof BaseError)) throw error;
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    expect(reverted).toMatchObject({ data: { errorName: 'Denied', args: [42n] } });
    const raw = await client.call({ to: address, data: '0x12345678' }).catch((thrown: BaseError) => thrown);
    if (!(raw instanceof BaseError)) throw new Error('it did not revert');
    expect(raw.walk((cause) => 'data' in (cause as object))).toMatchObject({ data: revertData });
  });

  test('a batch', async () => {
    const { client, statuses } = clientWith(keys.header, { batch: true });
    const numbers = Array.from({ length: 20 }, () => client.getBlockNumber({ cacheTime: 0 }));
    const [id, block] = await Promise.all([
      client.getChainId(),
      client.getBlock({ blockNumber: 0n }),
      ...numbers,
    ]);
    expect([id, block.number]).toEqual([31337, 0n]);
    expect(statuses).toEqual([200]);
  });

  test('comes back after Retry-After when limited, and succeeds', async () => {
    const { client, statuses } = clientWith(keys.limited);
    const first = await client.getGasPrice();
    expect(await client.getGasPrice()).toBe(first);
    expect(statuses).toEqual([200, 429, 200]);
  });

  test('of a batch, calls that were refused come back, and all succeed', async () => {
    const { client, statuses } = clientWith(keys.batches, { batch: true, retryCount: 10, retryDelay: 100 });
    const asked = [1, 2, 3, 4].map((last) =>
      client.getTransactionCount({ address: `0x${String(last).padStart(40, '0')}` }),
    );
    expect(await Promise.all(asked)).toEqual([0, 0, 0, 0]);
    // Two pass in the first batch, which so has status 200; those that come back early all meet 429.
    expect(statuses[0]).toBe(200);
    expect(statuses.at(-1)).toBe(200);
    expect(statuses.length).toBeGreaterThan(1);
  });

  test('told not to come back, it names the limit', async () => {
    const { client } = clientWith(keys.limited, { retryCount: 0 });
    const calls = await Promise.allSettled([client.getGasPrice(), client.getGasPrice()]);
    const refused = calls.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    const limit = (refused.reason as BaseError).walk((cause) => cause instanceof LimitExceededRpcError);
    expect(limit).toMatchObject({ code: -32005 });
  });

  test('an unknown key is refused once, without coming back', async () => {
    const { client, statuses } = clientWith('pp_test_unknown_000000000009');
    await expect(client.getChainId()).rejects.toThrow();
    expect(statuses).toEqual([401]);
  });
});
