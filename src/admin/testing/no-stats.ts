import type { AdminPorts } from '../ports.ts';

function unasked(): never {
  throw new Error('this test asks for no statistics');
}

/** For tests of other things. */
export const noStats: Pick<AdminPorts, 'metrics' | 'stats'> = {
  metrics: unasked,
  stats: { summary: unasked, methods: unasked, top: unasked, identity: unasked, ledgerScope: 'instance' },
};
