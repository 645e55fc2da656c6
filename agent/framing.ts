import { type Framer, Frames, type PieceSink } from './frames.ts'
import { JsonFrames } from './json-frames.ts'
import type { Engine } from './tail/engine.ts'
import type { Target } from './target.ts'
import { TtyFrames } from './tty.ts'

/** The form in which the engine gives a container's log: frames with headers, the bare bytes of a TTY, or JSON objects. */
export type Framing = 'multiplexed' | 'bare' | 'json'

/**
 * The form to ask for. JSON, where the engine has it, tells of a TTY what bare bytes cannot: where a message ends, and what is an error of the
 * engine. All else comes in frames: they have the same messages at half the work, and bytes that are not UTF-8 as they are; in JSON these
 * are U+FFFD, so that it is the same for a driver only whose files are JSON, too.
 */
export function framingOf({ tty, driver }: Pick<Target, 'tty' | 'driver'>, engine: Engine): Framing {
  if (!tty) return 'multiplexed'
  return engine.hasJsonLogs && driver === 'json-file' ? 'json' : 'bare'
}

/** What takes that form apart. */
export function framerOf(framing: Framing, sink: PieceSink): Framer {
  if (framing === 'json') return new JsonFrames(sink)
  return framing === 'bare' ? new TtyFrames(sink) : new Frames(sink)
}
