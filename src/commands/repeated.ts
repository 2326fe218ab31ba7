/** Of an option that may be given again: its values, for commander. */
export function repeated(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
