import { relative, sep } from 'node:path';
import { judgeImport } from './floors.ts';

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
  report(problem: { node: Source; message: string }): void;
}

const check = (context: Context, { source }: WithSource): void => {
  if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
  const importer = relative(context.cwd, context.filename).split(sep).join('/');
  const message = judgeImport(importer, source.value);
  if (message !== undefined) context.report({ node: source, message });
};

/** The rules of this project that oxlint does not bring: run oxlint in the root, paths count from there. */
const plugin = {
  meta: { name: 'house' },
  rules: {
    floors: {
      create: (context: Context) => {
        const visit = (node: WithSource): void => check(context, node);
        return {
          ImportDeclaration: visit,
          ImportExpression: visit,
          TSImportType: visit,
          ExportNamedDeclaration: visit,
          ExportAllDeclaration: visit,
        };
      },
    },
  },
};

export default plugin;
