import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Gathered } from './gathered.ts'
import { type ArchivedEnd, type ArchivedHead, readArchived } from './line-reader.ts'

/** Where lines come from and go to. */
export interface TakeOptions {
  /** The archive form of a search, which goes on behind a cursor. */
  readonly linesFrom: (cursor: string | null) => Promise<AsyncIterable<Buffer>>
  readonly gathered: Gathered
  /** Writes what is gathered. */
  readonly flush: () => Promise<void>
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly lines: number; readonly time: bigint }) => void
}

/** Asks for all lines, in as many answers as the server needs, and has them written. */
export async function takeLines(options: TakeOptions): Promise<{ head: ArchivedHead; completeness: ApiCompleteness }> {
  const { gathered, flush } = options
  let head: ArchivedHead | undefined
  for (let cursor: string | null = null; ; ) {
    const { first, end } = await takeAnswer(options, cursor)
    head ??= first
    if (end === undefined || head === undefined) throw cutOff()
    const { stopped, completeness } = end
    if (end.cursor === null && stopped === undefined) {
      if (gathered.waiting > 0) await flush()
      return { head, completeness }
    }
    if (end.cursor === null || end.cursor === cursor) throw slow(stopped ?? 'the server does not get on')
    cursor = end.cursor
  }
}

async function takeAnswer({ linesFrom, gathered, flush, signal, onProgress }: TakeOptions, cursor: string | null) {
  const found: { first?: ArchivedHead; end?: ArchivedEnd } = {}
  for await (const items of readArchived(await linesFrom(cursor))) {
    signal.throwIfAborted()
    Object.assign(found, await gathered.take(items))
    if (gathered.isFull) await flush()
    onProgress({ lines: gathered.lines, time: gathered.time })
  }
  return found
}

/** The error of a server that cannot tell all lines. */
export function slow(stopped: string): SwarmlogsError {
  const message = `cannot save all lines: ${stopped}; save a shorter time, or with a narrower query`
  return new SwarmlogsError('SWARMLOGS_LIMIT', message)
}

/** The error of an answer without an end. */
export function cutOff(): SwarmlogsError {
  const message = 'cannot take all lines: the answer ended too early; save again'
  return new SwarmlogsError('SWARMLOGS_PROTOCOL', message)
}
