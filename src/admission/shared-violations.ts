/** What violations weigh over all instances, of addresses that violate much. */
export interface SharedViolations {
  /**
   * Adds weights, and gives the sum of each address in the window that ends now. One that reaches the threshold begins anew: one instance alone is
   * told so. Rejects where there is no answer; what was to be added is lost then, or was added.
   */
  add(
    weights: readonly { address: string; weight: number }[],
    bounds: { windowMs: number; threshold: number },
  ): Promise<number[]>;
}
