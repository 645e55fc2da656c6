const STEPS: readonly (readonly [unit: string, seconds: number, until: number])[] = [
  ['second', 1, 60],
  ['minute', 60, 60],
  ['hour', 3600, 48],
  ['day', 86_400, 14],
  ['week', 604_800, 9],
  ['month', 2_629_746, 24],
  ['year', 31_556_952, Number.POSITIVE_INFINITY],
]

/** How long before `now` a time (both ms since 1970) was, as docker says it: `5 seconds ago`; a time ahead of `now` is `in 5 seconds`. */
export function ago(time: number, now: number): string {
  const seconds = Math.floor(Math.abs(now - time) / 1000)
  if (seconds === 0) return 'now'
  const [unit, length] = STEPS.find(([, size, until]) => seconds < size * until) ?? ['second', 1]
  const count = Math.floor(seconds / length)
  const text = `${count} ${unit}${count === 1 ? '' : 's'}`
  return now > time ? `${text} ago` : `in ${text}`
}
