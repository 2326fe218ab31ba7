import { record } from '../containers.ts';
import { field, text } from '../fields.ts';
import { sinkFields } from './sink-fields.ts';

export const moduleSink = record('A sink of your own: an ES module that exports `createSink`.', {
  ...sinkFields('module', 'A sink of your own.'),
  path: text<string>({
    type: 'path',
    about:
      'Of the module, from the config’s folder. It runs in the main thread, with all rights of the process.',
    expected: 'the path of a JavaScript or TypeScript module, such as ./my-sink.js',
    parse: (written) =>
      /^\P{Cc}{1,4096}$/u.test(written) && /\.[cm]?[jt]s$/.test(written) ? written : undefined,
  }),
  settings: field<Readonly<Record<string, unknown>>>(
    {
      type: 'map',
      about: 'Whatever the module wants.',
      json: { type: 'object' },
      expected: 'a map',
      secret: true,
    },
    { written: '{}', value: {} },
    (value, fail) => {
      if (value === null) return {};
      if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
      return fail({ expected: 'a map' });
    },
  ),
});
