import { setTimeout as delay } from 'node:timers/promises'
import { readNode } from './tail/containers.ts'
import type { Engine } from './tail/engine.ts'
import type { NodeIdentity } from './target.ts'

const ASK_AGAIN_MS = 1_000

/** Asks the engine who it is until it answers; undefined when the signal aborts before that. `onTrouble` hears why it does not. */
export async function identify(
  engine: Engine,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void = () => {},
): Promise<NodeIdentity | undefined> {
  while (!signal.aborted) {
    try {
      await engine.negotiate(signal)
      return await readNode(engine, signal)
    } catch (error) {
      if (!signal.aborted) onTrouble(error)
      await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}
