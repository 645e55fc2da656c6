/** The smaller of two. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

/** The greater of two. */
export function greater(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}
