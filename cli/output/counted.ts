const MAX_NAMES = 5

/** `1 file`, `2 files`; `plural` where that is not with an s. */
export function counted(count: number, one: string, plural = `${one}s`): string {
  return `${count} ${count === 1 ? one : plural}`
}

/** The first few of them: `a, b, c, d, e and 4 more`. */
export function named(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
  return names.slice(0, MAX_NAMES).join(', ') + more
}
