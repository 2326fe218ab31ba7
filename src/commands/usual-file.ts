/** The config that a command uses where none is named and the working directory has one. */
export const usualFile = 'polymorph.yaml';
