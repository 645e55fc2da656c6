import type { DirectLine } from '../../shared/direct.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Source } from '../../shared/record.ts'
import { parseAttributes } from '../enrich.ts'
import { Frames, type PieceSink } from '../frames.ts'
import { type Line, Lines } from '../lines.ts'
import { attributesOf, imageOf, inspectTarget } from '../tail/containers.ts'
import { nanosOf } from '../tail/gaps.ts'
import { isReadable } from '../target.ts'
import { TtyFrames } from '../tty.ts'
import { type Origin, pathOf } from './origin.ts'

/** Which part of a log to read. */
export interface Part {
  /** The last so many frames. */
  readonly tail: number | 'all'
  /** Inclusive, nanoseconds since 1970. */
  readonly since?: bigint | undefined
  readonly follow: boolean
}

/** A manager that asks another node for a log may wait for ever. */
const STALL_MS = 10_000
const NS_PER_S = 1_000_000_000n

/** Completes what the list told of a container: image digest, the log driver's attributes, whether it has a TTY. Throws SWARMLOGS_LOG_UNREADABLE. */
export async function inspected(origin: Origin, wantsDetails: boolean, signal: AbortSignal): Promise<Origin> {
  const { engine, containerId, stream } = origin
  if (containerId === undefined) {
    return wantsDetails ? { ...origin, stream: { ...stream, attributes: await detailsOf(origin, signal) } } : origin
  }
  const target = await inspectTarget(engine, containerId, false, signal)
  if (!isReadable(target)) {
    throw new SwarmlogsError('SWARMLOGS_LOG_UNREADABLE', `its log driver ${target.driver} cannot be read`)
  }
  const [image, attributes] = await Promise.all([
    imageOf(engine, target, signal),
    wantsDetails ? attributesOf(engine, target, signal, SILENT) : {},
  ])
  return { ...origin, tty: target.tty, stream: { ...stream, image, attributes } }
}

/** Attributes are no more than a courtesy: without them the lines are right, too. */
const SILENT = { debug: () => undefined }

/** The lines of a part of a log, in its order, in batches. Throws when the log ends with an error, or too early. */
export async function* readPart(origin: Origin, part: Part, signal: AbortSignal): AsyncGenerator<DirectLine[], void> {
  const batch: DirectLine[] = []
  const ordinals = new Ordinals()
  const lines = new Lines((line) => {
    const time = nanosOf([line.seconds, line.nanos])
    batch.push(lineOf(origin, line, time, ordinals.next(line.source, time)))
  })
  const sink: PieceSink = (type, buffer, start, end, first, last) => {
    if (type === 3) throw new SwarmlogsError('SWARMLOGS_PROTOCOL', buffer.toString('utf8', start, end).trim())
    lines.piece(type === 2 ? 'stderr' : 'stdout', buffer, start, end, first, last)
  }
  const framer = origin.tty ? new TtyFrames(sink) : new Frames(sink)
  for await (const chunk of chunksOf(origin, part, signal)) {
    framer.push(chunk)
    if (batch.length > 0) yield batch.splice(0)
  }
  if (framer instanceof TtyFrames) framer.end()
  lines.flush()
  if (batch.length > 0) yield batch
}

async function* chunksOf(origin: Origin, { tail, since, follow }: Part, signal: AbortSignal): AsyncGenerator<Buffer> {
  const query = {
    ...{ stdout: 1, stderr: 1, timestamps: 1, tail, follow: follow ? 1 : 0 },
    ...(since !== undefined && { since: `${since / NS_PER_S}.${String(since % NS_PER_S).padStart(9, '0')}` }),
  }
  const stalled = new AbortController()
  const isWatched = origin.containerId === undefined && !follow
  const stall = () => stalled.abort(new Error(`${origin.stream.nodeName} does not go on`))
  let timer = isWatched ? setTimeout(stall, STALL_MS) : undefined
  try {
    const response = await origin.engine.stream(pathOf(origin), query, AbortSignal.any([signal, stalled.signal]))
    for await (const chunk of response) {
      clearTimeout(timer)
      yield chunk
      if (isWatched) timer = setTimeout(stall, STALL_MS)
    }
  } finally {
    clearTimeout(timer)
  }
}

function lineOf({ stream }: Origin, line: Line, time: bigint, ordinal: number): DirectLine {
  const { source, message, cutFrom } = line
  return { stream, source, time, ordinal, message: message.toString(), cutFrom }
}

/** Counts the lines of a source with the same time. */
class Ordinals {
  readonly #last = new Map<Source, { time: bigint; ordinal: number }>()

  next(source: Source, time: bigint): number {
    const last = this.#last.get(source)
    const ordinal = last?.time === time ? last.ordinal + 1 : 0
    this.#last.set(source, { time, ordinal })
    return ordinal
  }
}

/** The attributes that a manager tells of a task: among them are the Swarm's own ids, which are no attributes. */
async function detailsOf(origin: Origin, signal: AbortSignal): Promise<Record<string, string>> {
  const { engine, stream, tty } = origin
  const found: Record<string, string> = {}
  const lines = new Lines(({ message }) => {
    for (const [name, value] of Object.entries(parseAttributes(message.toString())))
      if (!name.startsWith('com.docker.swarm.')) found[name] = value
  })
  const sink: PieceSink = (type, buffer, start, end, first, last) =>
    lines.piece(type === 2 ? 'stderr' : 'stdout', buffer, start, end, first, last)
  const framer = tty ? new TtyFrames(sink) : new Frames(sink)
  const query = { stdout: 1, stderr: 1, timestamps: 1, details: 1, tail: 1 }
  const both = AbortSignal.any([signal, AbortSignal.timeout(STALL_MS)])
  for await (const chunk of await engine.stream(`/tasks/${stream.taskId}/logs`, query, both)) framer.push(chunk)
  return found
}
