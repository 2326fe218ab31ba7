import {
  list,
  methodKey,
  methodPatternExpected,
  methodPatternForm,
  nameOf,
  namedMap,
  section,
} from './containers.ts';
import { integer, text } from './fields.ts';

export const pattern = text<string>({
  type: 'pattern',
  about: 'A method name, or a glob such as `eth_get*`.',
  expected: methodPatternExpected,
  parse: (written) => (methodPatternForm.test(written) ? written : undefined),
});

const patterns = (about: string) => list(pattern, { type: 'list of patterns', about, max: 1000 });

export const methodsSection = section(
  'What methods are: groups, costs, which are refused. `*` stands for anything.',
  {
    groups: namedMap(nameOf('a group'), patterns('Patterns of one group.'), {
      type: 'map of lists of patterns',
      about:
        'Methods that share a limit. A method belongs to the group with the most specific pattern, the first of equals.',
    }),
    costs: namedMap(
      methodKey,
      integer({
        min: 0,
        max: 1_000_000,
        unit: 'tokens',
        about: 'Tokens, and cost units of quotas, one call takes.',
      }),
      {
        type: 'map of integers',
        about:
          'Tokens a call takes, by pattern: 0 to 1000000; 1 where no pattern fits, the most specific where several do.',
      },
    ),
    blocked: patterns('Methods that are refused (-32004).'),
    cheap: patterns('Methods that may share an upstream batch, beside the known small reads of Ethereum.'),
    unsafe: patterns(
      'Methods that are never pipelined, batched or retried, beside the known ones that change something. `["*"]` for a backend of which nothing is known.',
    ),
    critical: patterns(
      'Methods that may use the reserve (`shed.reserve`) when upstreams have no room for more calls.',
    ),
  },
);
