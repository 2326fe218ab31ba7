/** Sum of a family's series on a page of `/metrics`, of those that have these labels. */
export function sumOf(page: string, family: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    const match = /^(?<name>[a-z_]+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups;
    if (match?.['name'] !== family) continue;
    const has = Object.entries(labels).every(([name, value]) =>
      match['labels']?.includes(`${name}="${value}"`),
    );
    if (has) sum += Number(match['value']);
  }
  return sum;
}
