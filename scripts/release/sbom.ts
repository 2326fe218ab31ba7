import type { Dependency } from './licences.ts';

interface Component {
  name: string;
  version: string;
  licenses?: { license: { id: string } }[];
}

/** An SBOM as `npm sbom` makes it (CycloneDX), which calls the package by its folder and leaves out licences that only a LICENSE file names. */
export function completed(sbom: string, name: string, dependencies: readonly Dependency[]): string {
  const bom = JSON.parse(sbom) as { metadata: { component: Component }; components: Component[] };
  bom.metadata.component.name = name;
  for (const component of bom.components) {
    const known = dependencies.find(
      (one) => one.name === component.name && one.version === component.version,
    );
    if (component.licenses === undefined && known?.licence !== undefined)
      component.licenses = [{ license: { id: known.licence } }];
  }
  return `${JSON.stringify(bom, null, 2)}\n`;
}
