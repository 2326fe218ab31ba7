import { keccak256 as ethersKeccak, Transaction, Wallet } from 'ethers';
import { expect, it } from 'vitest';
import { transactionHash } from './transaction.ts';

const call = (raw: string): string =>
  `{"jsonrpc": "2.0", "method":"eth_sendRawTransaction", "params" : [ "${raw}" ],"id":7}`;

it('is the transaction’s hash, of each kind', async () => {
  const wallet = new Wallet(`0x${'11'.repeat(32)}`);
  const common = { to: wallet.address, nonce: 3, gasLimit: 21_000, value: 5, chainId: 1 };
  for (const fields of [
    { ...common, type: 0, gasPrice: 9 },
    { ...common, type: 1, gasPrice: 9 },
    { ...common, type: 2, maxFeePerGas: 9, maxPriorityFeePerGas: 1 },
  ]) {
    const raw = await wallet.signTransaction(fields);
    expect(transactionHash(call(raw))).toBe(Transaction.from(raw).hash);
  }
});

it('leaves the sidecar of a blob transaction out', () => {
  const body = 'c401020304';
  const long = `f83c${'aa'.repeat(60)}`;
  for (const each of [body, long]) {
    const rest = 'c3010203';
    const length = (each.length + rest.length) / 2;
    const head = length > 55 ? `f8${length.toString(16)}` : (0xc0 + length).toString(16);
    expect(transactionHash(call(`0x03${head}${each}${rest}`))).toBe(ethersKeccak(`0x03${each}`));
  }
  // Without one.
  expect(transactionHash(call(`0x03${body}`))).toBe(ethersKeccak(`0x03${body}`));
});

it('is none for what is no raw transaction', () => {
  expect(transactionHash(call('0x123'))).toBeUndefined();
  expect(transactionHash('{"method":"eth_call","params":[{}]}')).toBeUndefined();
});
