import { link, statfs } from 'node:fs/promises'
import { pino } from 'pino'
import type { Engine } from '../engine.ts'
import { GRAMS } from '../folder.ts'
import type { Segment } from '../segment.ts'
import { Indexer } from './indexer.ts'
import { BLOCK_ROWS } from './signature.ts'

/** Whoever asks once is done by then: it would take longer to make than it saves. */
const START_MS = 5_000
const RESERVE_BYTES = 64 * 2 ** 20

/** Gives a process a name of its own for the signatures that another one has left, if any: the folder may be removed while they are read. */
export async function adoptGrams(segments: string, name: string, tempDir: string): Promise<void> {
  const file = `${name}.duckdb${GRAMS}`
  await link(`${segments}/${file}`, `${tempDir}/${file}`).catch(() => {})
}

/** The index of words of segments that never change: made while they are asked, and left for all who open them later. */
export class FrozenIndex {
  readonly #segments: readonly Segment[]
  readonly #indexer: Indexer
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  /** @param tempDir folder of this process, with room for signatures. */
  constructor(engine: Engine, segments: readonly Segment[], tempDir: string) {
    this.#segments = segments
    const freeBytes = async (): Promise<number> => {
      const { bavail, bsize } = await statfs(tempDir)
      return bavail * bsize
    }
    const log = pino({ level: 'silent' })
    this.#indexer = new Indexer({
      engine,
      segments: { all: segments },
      folder: { freeBytes },
      log,
      reserveBytes: RESERVE_BYTES,
    })
  }

  /** Takes over what there is; goes on with the rest after a while. */
  async open(): Promise<void> {
    // The name of the folder says of which lines they are, and only whole files are left in it.
    for (const { grams } of this.#segments)
      await grams.load(
        async () => true,
        async () => {},
      )
    this.#timer = setTimeout(() => {
      this.#running = this.finish()
    }, START_MS)
    this.#timer.unref()
  }

  /** Makes what is not there yet. */
  async finish(): Promise<void> {
    await this.#indexer.finish()
    for (const { grams, path, records } of this.#segments) {
      // Another process may have been faster.
      if (grams.rows > 0 && grams.rows + BLOCK_ROWS > records) await link(grams.path, `${path}${GRAMS}`).catch(() => {})
    }
  }

  /** Ends the work; nothing of it runs any more when it resolves. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#indexer.stop()
    await this.#running
  }
}
