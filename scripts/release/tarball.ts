/** The most that `npm pack` may make: 3 MB. */
export const tarballBytesMax = 3_000_000;
