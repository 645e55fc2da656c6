import fc from 'fast-check'

/** Cuts bytes at arbitrary places. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, i) => Buffer.from(bytes.subarray(cuts[i], end)))
}

/** Places to cut at, few or many. */
export const places = fc.array(fc.nat(), { maxLength: 60 })
