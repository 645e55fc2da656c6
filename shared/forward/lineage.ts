import { crc32 } from 'node:zlib'

/*
 * How an agent knows an older copy of a store that was put in its place: each time that a store is opened it notes which commit it had come
 * to. A copy has other openings from then on, and commits behind it that the agent was told of are in none of them.
 */

/** One opening of a store. */
export interface Opening {
  /** Made anew each time. */
  readonly id: string
  /** The newest commit that there was. */
  readonly from: bigint
}

/** A commit, and in which opening of the store it was made. */
export interface Commit {
  readonly opening: string
  readonly at: bigint
}

/** A store remembers so many openings; as text they take 30 KB, of the 64 KiB that an agent takes at a time. */
export const MAX_OPENINGS = 1000

/** The openings with another one. */
export function withOpening(openings: readonly Opening[], opening: Opening): readonly Opening[] {
  return [...openings, opening].slice(-MAX_OPENINGS)
}

/**
 * Whether a store with these openings, oldest first, has the commit, as far as can be told: they may not reach back to its beginning, and
 * what was there before the first of them may be of any opening before that.
 */
export function hasCommit(openings: readonly Opening[], { opening, at }: Commit): boolean {
  const index = openings.findIndex(({ id }) => id === opening)
  const next = openings[index + 1]
  return (index !== -1 && next === undefined) || at <= (next?.from ?? -1n)
}

/** Openings as text, with a sum. */
export function printOpenings(openings: readonly Opening[]): string {
  return summed(openings.map(({ id, from }) => `${id}@${from}`).join(','))
}

/** Reads what `printOpenings` wrote; undefined when it was changed. */
export function parseOpenings(text: string): readonly Opening[] | undefined {
  const commits = unsummed(text)?.split(',').map(parts)
  return commits?.map(({ opening, at }) => ({ id: opening, from: at }))
}

/** A commit as text, with a sum. */
export function printCommit({ opening, at }: Commit): string {
  return summed(`${opening}@${at}`)
}

/** Reads what `printCommit` wrote; undefined when it was changed. */
export function parseCommit(text: string): Commit | undefined {
  const commit = unsummed(text)
  return commit === undefined ? undefined : parts(commit)
}

function parts(text: string): Commit {
  const [opening = '', at = '0'] = text.split('@')
  return { opening, at: BigInt(at) }
}

/** It may pass through links that flip bits. */
function summed(text: string): string {
  return `${text} ${crc32(text)}`
}

function unsummed(text: string): string | undefined {
  const end = text.lastIndexOf(' ')
  const content = text.slice(0, Math.max(0, end))
  return content !== '' && text === summed(content) ? content : undefined
}
