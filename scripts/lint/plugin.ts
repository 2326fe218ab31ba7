import { relative, sep } from 'node:path';
import { judgeImport } from './floors.ts';
import { judgeSize } from './sizes.ts';

interface Source {
  type: string;
  value?: unknown;
}

interface WithSource {
  source: Source | null;
}

interface Context {
  cwd: string;
  filename: string;
  sourceCode: { text: string };
  report(problem: { node: { type: string }; message: string }): void;
}

const pathOf = ({ cwd, filename }: Context): string => relative(cwd, filename).split(sep).join('/');

const checkImport = (context: Context, { source }: WithSource): void => {
  if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
  const message = judgeImport(pathOf(context), source.value);
  if (message !== undefined) context.report({ node: source, message });
};

/** The rules of this project that oxlint does not bring: run oxlint in the root, paths count from there. */
const plugin = {
  meta: { name: 'house' },
  rules: {
    floors: {
      create: (context: Context) => {
        const visit = (node: WithSource): void => checkImport(context, node);
        return {
          ImportDeclaration: visit,
          ImportExpression: visit,
          TSImportType: visit,
          ExportNamedDeclaration: visit,
          ExportAllDeclaration: visit,
        };
      },
    },
    sizes: {
      create: (context: Context) => ({
        Program(node: { type: string }): void {
          const message = judgeSize(pathOf(context), context.sourceCode.text);
          if (message !== undefined) context.report({ node, message });
        },
      }),
    },
  },
};

export default plugin;
