import { expect, it } from 'vitest';
import { NETWORK_SLOTS, UPSTREAM_SLOTS } from '../config/index.ts';
import * as board from './board.ts';

it('the board has a place for every slot that the config may give', () => {
  expect(board.UPSTREAM_SLOTS).toBe(UPSTREAM_SLOTS);
  expect(board.NETWORK_SLOTS).toBe(NETWORK_SLOTS);
});
