import { methodPatternForm, optionalRecord } from './containers.ts';
import { field, text } from './fields.ts';

const method = text<string>({
  type: 'method',
  about: 'A cheap read whose answer must be a result.',
  expected: 'a method name',
  parse: (name) => (methodPatternForm.test(name) && !name.includes('*') ? name : undefined),
});

/** As JSON text. */
const params = field<string>(
  {
    type: 'list, map or JSON text',
    about: 'Its params.',
    json: { type: ['array', 'object', 'string'] },
    expected: 'a list or a map',
  },
  { written: '[]', value: '[]' },
  (value, fail) => {
    const given = typeof value === 'string' ? parsed(value) : value;
    if (typeof given !== 'object' || given === null) return fail({ expected: 'a list or a map of params' });
    return typeof value === 'string' ? value : JSON.stringify(given);
  },
);

/** null: Ethereum's own checks. */
export const healthCall = optionalRecord(
  'A call whose answer must be a result, in place of Ethereum’s own checks. For `kind: generic` there are no checks without it.',
  { method, params },
);

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
