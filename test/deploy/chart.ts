import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parseAllDocuments } from 'yaml';
import { helm, kubernetesSchemas, outcome, root } from './tools.ts';

export const chart = join(root, 'deploy/helm/polymorph-proxy');

/** Sets of values that the chart is shown with: by file, without `-values.yaml`. */
export const valuesSets = readdirSync(join(chart, 'ci')).map((file) => file.replace(/-values\.yaml$/, ''));
export const valuesFile = (set: string): string => join(chart, `ci/${set}-values.yaml`);

/** An object of Kubernetes as the chart renders it. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
} & Record<string, any>;

/** Renders the chart as release `rpc` in namespace `gateways`. `args`: further ones of `helm template`. Throws with what helm says. */
export function render(args: readonly string[], folder = chart): Manifest[] {
  const { code, output, stdout } = template(args, folder);
  if (code !== 0) throw new Error(output);
  return parseAllDocuments(stdout)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

export function template(args: readonly string[], folder = chart): ReturnType<typeof outcome> {
  return outcome(helm(), ['template', 'rpc', folder, '--namespace', 'gateways', ...args]);
}

/** The one object of a kind; of several, the one with the name. */
export function the(kind: string, manifests: readonly Manifest[], name?: string): Manifest {
  const found = manifests.filter(
    (one) => one.kind === kind && (name ?? one.metadata.name) === one.metadata.name,
  );
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind}`);
  return found[0]!;
}

const validators = new Map<string, ValidateFunction>();

/** What Kubernetes' own strict schema of this version (`1.35`) has against an object; empty: nothing. Throws where it knows no such kind. */
export function complaints(manifest: Manifest, version: string): string[] {
  const [group = '', api = ''] = manifest.apiVersion.includes('/')
    ? manifest.apiVersion.split('/')
    : ['', manifest.apiVersion];
  const file = [manifest.kind.toLowerCase(), group.split('.')[0], api].filter(Boolean).join('-');
  const key = `v${version}.0-local-strict/${file}.json`;
  let validate = validators.get(key);
  if (validate === undefined) {
    const read = (name: string) =>
      JSON.parse(
        readFileSync(join(kubernetesSchemas(), `v${version}.0-local-strict`, name), 'utf8'),
      ) as object;
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema(read('_definitions.json'), '_definitions.json');
    validate = ajv.compile(read(`${file}.json`));
    validators.set(key, validate);
  }
  const { kind } = manifest;
  if (validate(manifest)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${kind}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
