/**
 * A contract by hand: `answer()` is 42, everything else reverts with the custom error `Denied(42)`.
 *
 *     PUSH0 CALLDATALOAD PUSH1 e0 SHR PUSH4 <answer()> EQ PUSH1 21 JUMPI
 *     PUSH4 <Denied(uint256)> PUSH1 e0 SHL PUSH0 MSTORE PUSH1 2a PUSH1 04 MSTORE PUSH1 24 PUSH0 REVERT
 *     JUMPDEST PUSH1 2a PUSH0 MSTORE PUSH1 20 PUSH0 RETURN
 */
const runtime = [
  '5f3560e01c63',
  '85bb7d69',
  '14602157',
  '63',
  '7e46dab6',
  '60e01b5f52602a60045260245ffd',
  '5b602a5f5260205ff3',
].join('');

/** Copies the runtime, 0x2a bytes behind these 0x0a, to memory and returns it. */
export const bytecode = `0x602a600a5f39602a5ff3${runtime}` as const;

/** What the revert carries: the selector and 42. */
export const revertData = `0x7e46dab6${'2a'.padStart(64, '0')}`;

export const abi = [
  { type: 'function', name: 'answer', stateMutability: 'view', inputs: [], outputs: [{ type: 'uint256' }] },
  {
    type: 'function',
    name: 'forbidden',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ type: 'uint256' }],
  },
  { type: 'error', name: 'Denied', inputs: [{ name: 'code', type: 'uint256' }] },
] as const;
