import { text } from './fields.ts';

/** The path of a PEM file, absolute or from the config's folder. */
export const pemFile = (about: string) =>
  text<string>({
    type: 'file',
    about,
    expected: 'the path of a file, absolute or from the config’s folder',
    parse: (path) => (path.length > 0 && !path.includes('\0') ? path : undefined),
  });
