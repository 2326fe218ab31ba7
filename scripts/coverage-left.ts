import type { Reason } from './coverage-report.ts';

/** Of lines in the rooms that `scripts/coverage-page.ts` asks so much of, why no unit test runs them. */
export const reasons: readonly Reason[] = [
  {
    path: 'src/http/shared-reads.ts',
    line: 'return undefined;',
    why: 'for a Node whose sockets have other insides; those that the tests run by have what is looked for',
  },
  {
    path: 'src/http/upgrade.ts',
    line: 'else socket.destroy();',
    why: 'a client that leaves between its request and the refusal of it, within one turn or two',
  },
  {
    path: 'src/jsonrpc/utf8.ts',
    line: 'return -1;',
    why: 'asked only about bytes that are not UTF-8, of which some sequence is wrong; the type asks for an end',
  },
  {
    path: 'src/limits/saved/state-load.ts',
    line: 'return undefined;',
    why: 'lengths that disagree where the checksum of the whole is right: a file that another program wrote',
  },
  {
    path: 'src/usage/journal-folder.ts',
    line: 'return false;',
    why: 'a segment that is removed between the listing and the look into it',
  },
  {
    path: 'src/usage/journal-writer.ts',
    line: "else setFull(new Error('no room for a frame'));",
    why: 'for a room ahead that were less than one frame, which `RESERVE_BYTES` sees to',
  },
  {
    path: 'src/usage/journal-writer.ts',
    line: 'next.close();',
    why: 'a journal that is closed while its next segment is held ready: a unit test would write 16 MiB for it',
  },
];
