import { MULTILINE_LABEL } from '../../shared/multiline.ts'
import { compileRegex, type Regex } from '../../shared/query/regex.ts'
import type { LogStream } from '../../shared/record.ts'

const starts = new WeakMap<LogStream, Regex | undefined>()

/** What the first line of each event of a stream matches, where its container has a label that says so. */
export function startOf(stream: LogStream | undefined): Regex | undefined {
  if (stream === undefined) return undefined
  if (!starts.has(stream)) starts.set(stream, readStart(stream.multiline ?? stream.attributes[MULTILINE_LABEL]))
  return starts.get(stream)
}

/** A regex that cannot be used is none: it is the container's mistake, not that of whoever asks. */
function readStart(source: string | undefined): Regex | undefined {
  if (source === undefined || source === '') return undefined
  try {
    return compileRegex(source, false)
  } catch {
    return undefined
  }
}
