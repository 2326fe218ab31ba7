/** What deletion changes of a key: from then on it is refused, and its last rotation with it. */
export function deletedKey(at: number) {
  return { enabled: false, deletedAt: at, previousSha256: null, previousUntil: null } as const;
}
