/** The least of some. */
export function least(first: bigint, others: readonly bigint[]): bigint {
  let found = first
  for (const one of others) if (one < found) found = one
  return found
}

/** The greatest of some. */
export function greatest(first: bigint, others: readonly bigint[]): bigint {
  let found = first
  for (const one of others) if (one > found) found = one
  return found
}
