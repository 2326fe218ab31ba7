/** By name its place: the first at `first`, each further one `step` on. */
export function indexed<Name extends string>(
  names: readonly Name[],
  first = 0,
  step = 1,
): Readonly<Record<Name, number>> {
  const entries = names.map((name, i) => [name, first + i * step] as const);
  return Object.freeze(Object.fromEntries(entries) as Record<Name, number>);
}
