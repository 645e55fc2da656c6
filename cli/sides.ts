import { existsSync } from 'node:fs'
import { SwarmlogsError } from '../shared/errors.ts'
import { formatTime } from '../shared/time.ts'
import { jumpTime } from './ui/jump.ts'

const RANGE = /^(.+?)\.\.(.*)$/

/** One side of a comparison: a bundle, or a range of time. */
export type Side = { readonly path: string } | { readonly from: string; readonly to: string }

/** Tells files from times: `quiet.slog`, `3h..2h`, `10:00..10:30`; without an end it is now. */
export function readSide(text: string): Side {
  const [, from, to = ''] = existsSync(text) ? [] : (RANGE.exec(text) ?? [])
  return from === undefined ? { path: text } : { from, to: to === '' ? 'now' : to }
}

/** The bounds of a range as times (RFC 3339); `10:00` is the last one before `now`. Throws SWARMLOGS_USAGE. */
export function boundsOf({ from, to }: Extract<Side, { from: string }>, now: bigint, zone: string) {
  const read = (text: string): string => {
    try {
      return jumpTime(text, formatTime(now), Number(now / 1_000_000n), zone)
    } catch (cause) {
      const message = `cannot compare ${from}..${to}: give times such as 10:00, 2h (ago), 2026-11-21T04:00, now`
      throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
    }
  }
  const bounds = { since: read(from), until: read(to) }
  if (bounds.since < bounds.until) return bounds
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot compare ${from}..${to}: it is empty; give the earlier time first`)
}
