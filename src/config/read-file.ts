/** The disk, passed in. Throws as `readFileSync` does. */
export type ReadFile = (path: string) => Uint8Array;

/** Why the system would not give the file, without its English prefix codes. */
export function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  if (code === 'EISDIR') return 'is a folder, not a file';
  return error instanceof Error ? error.message : String(error);
}
