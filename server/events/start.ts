import { MULTILINE_LABEL } from '../../shared/multiline.ts'
import { compileRegex, type Regex } from '../../shared/query/regex.ts'
import type { LogStream } from '../../shared/record.ts'

/** Tells what the first line of each event of a stream matches; undefined where no label says so. */
export type StartOf = (stream: LogStream) => Regex | undefined

/** Labels that were read; where there are more of them than a cluster has, they are read again. */
const MAX_READ = 1_000
const read = new Map<string, Regex | undefined>()

/** Goes by the label of the container, else by that of its service. */
export function startsOf(serviceLabel: (serviceId: string) => string | undefined): StartOf {
  return (stream) => readStart(stream.multiline ?? stream.attributes[MULTILINE_LABEL] ?? serviceLabel(stream.serviceId))
}

/** A regex that cannot be used is none: it is the container's mistake, not that of whoever asks. */
function readStart(source: string | undefined): Regex | undefined {
  if (source === undefined || source === '') return undefined
  if (!read.has(source)) {
    if (read.size >= MAX_READ) read.clear()
    read.set(source, compiled(source))
  }
  return read.get(source)
}

function compiled(source: string): Regex | undefined {
  try {
    return compileRegex(source, false)
  } catch {
    return undefined
  }
}
