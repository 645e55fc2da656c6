import type { Logger } from 'pino'
import type { LogStream } from '../shared/record.ts'
import { logStream } from './enrich.ts'
import type { Followed } from './followed.ts'
import { attributesOf, imageOf } from './tail/containers.ts'
import type { Engine } from './tail/engine.ts'
import type { NodeIdentity } from './target.ts'

/** What it takes to describe a container. */
export interface Describing {
  readonly engine: Engine
  readonly log: Logger
  readonly node: NodeIdentity
  readonly signal: AbortSignal
}

/** The labels of a container's lines, which it keeps from its first line on: only then its attributes can be read. */
export async function describeOnce(followed: Followed, hasLines: boolean, describing: Describing): Promise<LogStream> {
  const { engine, log, node, signal } = describing
  const { target } = followed
  const image = await imageOf(engine, target, signal)
  const attributes = hasLines ? await attributesOf(engine, target, signal, log) : {}
  const stream = logStream(target, { node, image, attributes })
  if (hasLines) followed.stream ??= stream
  return followed.stream ?? stream
}
