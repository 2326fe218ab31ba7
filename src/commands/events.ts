import { type Command, Option } from 'commander';
import { type CommandIo, processIo } from './io.ts';
import { eventFacts, eventsTable } from './store/events-table.ts';
import { pageEnd, pageOptions, type PageOptions } from './store/page.ts';
import { runOnStore, type StoreOptions, withStoreOptions } from './store/run-on-store.ts';
import { testSink, type TestOptions } from './events/test-sink.ts';

interface ListOptions extends StoreOptions, PageOptions {
  type?: string;
  severity?: 'info' | 'warning' | 'error' | 'critical';
  subject?: string;
  key?: string;
  user?: string;
  sink?: string;
  state?: 'waiting' | 'delivered' | 'dead';
  from?: string;
  to?: string;
}

/** `polymorph events …`: exit 0 done, 1 not found, refused or not delivered, 2 bad usage. */
export function configure(command: Command, io: CommandIo = processIo()): void {
  command.addHelpText('after', help);
  pageOptions(withStoreOptions(command.command('list')), 'number')
    .description('List events that are kept, the newest first.')
    .option('--type <type>', 'of this type, or pattern such as quota.*')
    .addOption(
      new Option('--severity <severity>', 'of this or a graver one').choices([
        'info',
        'warning',
        'error',
        'critical',
      ]),
    )
    .option('--subject <subject>', 'about this one, such as 203.0.113.7')
    .option('--key <key>', 'about this key: name, prefix or id')
    .option('--user <user>', 'about keys of this user: e-mail or id')
    .option('--sink <sink>', 'that go to this sink')
    .addOption(
      new Option('--state <state>', 'with such a delivery').choices(['waiting', 'delivered', 'dead']),
    )
    .option('--from <time>', '2026-11-01, 2026-11-01T12:00:00Z, or how long ago: 24h')
    .option('--to <time>', 'before this time')
    .action(
      async ({ type, severity, subject, key, user, sink, state, from, to, ...options }: ListOptions) => {
        const { after, limit = 100 } = options;
        const filter = { type, severity, subject, key, user, sink, state, from, to };
        await runOnStore(options, io, {
          run: (operations) => operations.run('events.list', { ...filter, after, limit }),
          text: ({ events, next }) => eventsTable(events) + pageEnd(next),
        });
      },
    );
  withStoreOptions(command.command('show <id>'))
    .description('Show an event, and where it went.')
    .action(async (event: string, options: StoreOptions) => {
      await runOnStore(options, io, {
        run: (operations) => operations.run('events.show', { event }),
        text: eventFacts,
      });
    });
  withStoreOptions(command.command('replay [id]'))
    .description(
      'Deliver again: the dead letters of an event, of a sink, or all; an event to a sink in any case.',
    )
    .option('--sink <sink>', 'to this sink')
    .option('--all', 'all dead letters')
    .action(async (event: string | undefined, options: StoreOptions & { sink?: string; all?: boolean }) => {
      const { sink, all } = options;
      await runOnStore(options, io, {
        run: (operations) => operations.run('events.replay', { event, sink, all }),
        text: ({ replayed }) =>
          replayed === 0
            ? 'There was nothing to deliver again.\n'
            : `${replayed} ${replayed === 1 ? 'delivery is' : 'deliveries are'} made again by the gateway.\n`,
      });
    });
  command
    .command('test <sink>')
    .description('Send a sample event to a sink of the config, from here and now.')
    .option('--config <file>', 'the config; default: ./polymorph.yaml')
    .option('--type <type>', 'which event; default: quota.warning')
    .option('--json', 'print JSON')
    .action((sink: string, options: TestOptions) => testSink(sink, options, io));
}

const help = `
Examples:
  polymorph events list --type 'quota.*' --from 24h
  polymorph events list --sink billing --state dead
  polymorph events replay --sink billing
  polymorph events test billing --type quota.exceeded`;
