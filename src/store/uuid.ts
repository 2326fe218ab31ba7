/** Whether the text is a UUID's, in either case: PostgreSQL refuses to compare anything else with one. */
export function isUuid(text: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
}
