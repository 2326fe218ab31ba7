/**
 * Ids of this worker's requests: `<boot>-<slot>-<count>`. The slot lets explain ask the right worker first;
 * the boot part tells ids of different runs apart.
 */
export function createRequestIds(bootId: string, slot: number): () => string {
  const prefix = `${bootId}-${slot.toString(36)}-`;
  let count = 0;
  return () => prefix + (++count).toString(36);
}
