import { describe, expect, test, vi } from 'vitest';
import { type ContractExecutionError, HttpProvider, type ResponseError, Web3 } from 'web3';
import { accounts, noAnvil } from '../anvil.ts';
import { abi, bytecode, revertData } from './contract.ts';
import { keys, useGateway } from './gateway.ts';

describe.skipIf(noAnvil)(`web3 over HTTP to a real node${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  const gateway = useGateway();
  const web3With = (key: string): Web3 => {
    const options = { providerOptions: { headers: { 'x-api-key': key } } };
    return settled(new Web3(new HttpProvider(gateway.url, options)));
  };
  const web3ByPath = (key: string): Web3 => settled(new Web3(`${gateway.url}/${key}`));

  test('reads, with the key in the header and in the path', async () => {
    for (const web3 of [web3With(keys.header), web3ByPath(keys.path)]) {
      expect(await web3.eth.getChainId()).toBe(31337n);
      expect(await web3.eth.getBalance(accounts.alice.address)).toBeGreaterThan(9000n * 10n ** 18n);
      expect((await web3.eth.getBlock(0)).number).toBe(0n);
    }
  });

  test('sends a transaction and finds its receipt', async () => {
    const web3 = web3ByPath(keys.path);
    web3.eth.accounts.wallet.add(accounts.alice.privateKey);
    const before = await web3.eth.getBalance(accounts.bob.address);
    const receipt = await web3.eth.sendTransaction({
      from: accounts.alice.address,
      to: accounts.bob.address,
      value: 12345n,
    });
    expect(receipt.status).toBe(1n);
    expect(await web3.eth.getBalance(accounts.bob.address)).toBe(before + 12345n);
  });

  test('a call and a revert with its data', async () => {
    const web3 = web3With(keys.header);
    web3.eth.accounts.wallet.add(accounts.alice.privateKey);
    const deploy = new web3.eth.Contract(abi).deploy({ data: bytecode });
    const contract = await deploy.send({ from: accounts.alice.address });
    expect(await contract.methods.answer?.().call()).toBe(42n);
    const error = await contract.methods

      .forbidden?.()

      .call()
      .catch((thrown: unknown) => thrown);
    const { cause } = error as ContractExecutionError;
    expect(cause).toMatchObject({ data: revertData, errorName: 'Denied' });
  });

  test('a batch', async () => {
    const batch = new (web3With(keys.header).BatchRequest)();
    const asked = [
      batch.add({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      batch.add({ jsonrpc: '2.0', id: 2, method: 'eth_getBlockTransactionCountByNumber', params: ['0x0'] }),
    ];
    await batch.execute();
    expect(await Promise.all(asked)).toEqual(['0x7a69', '0x0']);
  });

  test('does not come back when limited: it shows the error to its user', async () => {
    const web3 = web3With(keys.limited);
    const send = vi.spyOn(web3.provider as HttpProvider, 'request');
    expect(await web3.eth.getGasPrice()).toBeGreaterThan(0n);
    const error = await web3.eth.getGasPrice().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ statusCode: 429, message: expect.stringContaining('Rate limit exceeded') });
    expect((error as ResponseError).data).toMatchObject({ policy: 'key:eth_gasPrice' });
    expect(send).toHaveBeenCalledTimes(2);
  });
});

/** web3 asks for receipts once a second by itself. */
function settled(web3: Web3): Web3 {
  web3.eth.transactionPollingInterval = 20;
  return web3;
}
