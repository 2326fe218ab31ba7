import type { Command } from 'commander';
import type { OperationResult } from '../accounts/index.ts';
import { formatMoney, parseAmount } from '../accounts/index.ts';
import { CommandFailure, exitCodes } from './command.ts';
import type { Operations } from '../control/index.ts';
import { type CommandIo, processIo } from './io.ts';
import { repeated } from './repeated.ts';
import { columns, facts, grouped, utc } from './store/columns.ts';
import { type Limit, limitArgument, limitText } from './store/limit-text.ts';
import { type QuotaArgument, quotaArgument, quotaText } from './store/quota-text.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';

interface PutOptions extends StoreOptions {
  currency?: string;
  monthlyFee?: string;
  included?: string;
  price?: string;
  per?: string;
  set?: Limit[];
  unset?: string[];
  quota?: QuotaArgument;
  userQuota?: QuotaArgument;
}

type Plan = OperationResult<'plans.show'>;

/** `polymorph plans put|list|show|delete`: exit 0 done, 1 not found or refused, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  withStoreOptions(command.command('put <name>'))
    .description(
      'Make a plan, or change what is given of it. Limits hold for its users’ keys within a second.',
    )
    .option('--currency <code>', 'of ISO 4217, such as USD; needed where a new plan has a fee or price')
    .option('--monthly-fee <amount>', 'in the currency, such as 49.00')
    .option('--included <units>', 'cost units a month that the fee includes')
    .option('--price <amount>', 'for each --per cost units beyond, such as 0.50')
    .option('--per <units>', 'default: 1000000')
    .option(
      '--set <limit>',
      'a limit of each key, such as eth_call=100/1s+50; may be repeated',
      limitArgument,
    )
    .option(
      '--unset <method>',
      'remove the limit for this method, group:<name> or *; may be repeated',
      repeated,
    )
    .option('--quota <quota>', 'of each key, such as 1000000/month; none removes it', quotaArgument)
    .option(
      '--user-quota <quota>',
      'of all keys of a user together, such as cost:5000000/month; none removes it',
      quotaArgument,
    )
    .action(async (name: string, options: PutOptions) => {
      await runOnStore(options, io, {
        run: (operations) => put(operations, name, options),
        text: (plan) => `${plan.created ? 'Made' : 'Changed'} plan ${plan.name}.\n\n${planFacts(plan)}`,
      });
    });
  withStoreOptions(command.command('list'))
    .description('List plans.')
    .action(async (options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('plans.list', {}),
        text: ({ plans }) => plansTable(plans),
      });
    });
  withStoreOptions(command.command('show <name>'))
    .description('Show a plan.')
    .action(async (name: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('plans.show', { name }),
        text: (plan) => planFacts(plan) + facts([['users', String(plan.users)]]),
      });
    });
  withStoreOptions(command.command('delete <name>'))
    .description('Delete a plan that no user is on.')
    .action(async (name: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('plans.delete', { name }),
        text: (plan) => `Deleted plan ${plan.name}.\n`,
      });
    });
}

const help = `
Examples:
  polymorph plans put pro --currency USD --monthly-fee 49.00 --included 10000000 --price 0.50 --per 1000000
  polymorph plans put pro --set '*=100/1s+50' --set 'group:logs=2/1s' --quota 5000000/month --user-quota 8000000/month
  polymorph plans list`;

async function put(operations: Operations, name: string, options: PutOptions) {
  const { included, per, set, unset, quota, userQuota } = options;
  const currency = await currencyFor(operations, name, options);
  return operations.run('plans.put', {
    ...{ name, currency: options.currency, set, unset, quota: quota?.quota },
    userQuota: userQuota?.quota,
    monthlyFee: amount('--monthly-fee', options.monthlyFee, currency),
    price: amount('--price', options.price, currency),
    includedUnits: included,
    pricePer: per,
  });
}

/** Amounts are written as on an invoice, and how many decimals that has depends on the currency. */
async function currencyFor(operations: Operations, name: string, options: PutOptions): Promise<string> {
  if (options.currency !== undefined) return options.currency;
  if (options.monthlyFee === undefined && options.price === undefined) return '';
  const { plans } = await operations.run('plans.list', {});
  const plan = plans.find((one) => one.name === name);
  if (plan !== undefined) return plan.currency;
  throw new CommandFailure(
    `The new plan ${name} has a fee or price: give --currency too, such as USD.`,
    exitCodes.usage,
  );
}

function amount(flag: string, text: string | undefined, currency: string): string | undefined {
  if (text === undefined) return undefined;
  const parsed = parseAmount(text, currency);
  if (parsed === undefined)
    throw new CommandFailure(
      `${flag}: found ${text}, expected an amount of ${currency} such as ${formatMoney(4900n, currency).split(' ')[0]}: no sign, no thousands apart, no more decimals than the currency has.`,
      exitCodes.usage,
    );
  return String(parsed);
}

function priceText({ price, pricePer, currency }: Omit<Plan, 'users'>): string {
  return BigInt(price) === 0n ? '' : `${formatMoney(BigInt(price), currency)} per ${grouped(pricePer)} units`;
}

function planFacts(plan: Omit<Plan, 'users'>): string {
  return facts([
    ['plan', plan.name],
    ['monthly fee', formatMoney(BigInt(plan.monthlyFee), plan.currency)],
    ['included', `${grouped(plan.includedUnits)} cost units a month`],
    ['beyond', priceText(plan) === '' ? 'free of charge' : priceText(plan)],
    ['limits', plan.limits.map(limitText).join('  ')],
    ['quota', quotaText(plan.quota)],
    ['of a user', quotaText(plan.userQuota)],
    ['changed', `${utc(plan.updatedAt)} UTC`],
  ]);
}

function plansTable(plans: readonly Plan[]): string {
  if (plans.length === 0) return 'There are no plans.\n';
  const heads = [
    { title: 'plan' },
    { title: 'users', right: true },
    { title: 'monthly fee', right: true },
    { title: 'included units', right: true },
    { title: 'beyond' },
    { title: 'limits' },
    { title: 'quota' },
    { title: 'quota of a user' },
  ];
  const rows = plans.map((plan) => [
    plan.name,
    String(plan.users),
    formatMoney(BigInt(plan.monthlyFee), plan.currency),
    grouped(plan.includedUnits),
    priceText(plan),
    plan.limits.map(limitText).join('  '),
    quotaText(plan.quota),
    quotaText(plan.userQuota),
  ]);
  return columns(heads, rows);
}
