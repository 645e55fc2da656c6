import type { Logger } from 'pino'
import type { LogStream } from '../shared/record.ts'
import { logStream } from './enrich.ts'
import type { Followed } from './followed.ts'
import { attributesOf, imageOf } from './tail/containers.ts'
import type { Engine } from './tail/engine.ts'
import type { Piece } from './tail/piece.ts'
import type { NodeIdentity } from './target.ts'

/** What it takes to describe a container. */
export interface Describing {
  readonly engine: Engine
  readonly log: Logger
  readonly node: NodeIdentity
  readonly signal: AbortSignal
}

/** A piece of a container's log with the labels of its lines. */
export interface Labelled {
  readonly followed: Followed
  readonly stream: LogStream
  readonly piece: Piece
}

/** Adds the labels to pieces of a container's log; `describing` is asked for each, as a node may be told of late. */
export async function* labelled(
  followed: Followed,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  describing: () => Describing,
): AsyncGenerator<Labelled, void> {
  for await (const piece of pieces) {
    const stream = followed.stream ?? (await describeOnce(followed, piece.lines.length > 0, describing()))
    yield { followed, stream, piece }
  }
}

/** The labels of a container's lines, which it keeps from its first line on: only then its attributes can be read. */
async function describeOnce(followed: Followed, hasLines: boolean, describing: Describing): Promise<LogStream> {
  const { engine, log, node, signal } = describing
  const { target } = followed
  const image = await imageOf(engine, target, signal)
  const attributes = hasLines ? await attributesOf(engine, target, signal, log) : {}
  const stream = logStream(target, { node, image, attributes })
  if (hasLines) followed.stream ??= stream
  return followed.stream ?? stream
}
