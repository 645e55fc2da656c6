import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Position } from '../../shared/record.ts'
import { syncPath } from '../sync-path.ts'

const NAME = '.swarmlogs-mirror.json'
const FORMAT = 2

/** A file that lines are appended to, and how much of it counts. */
export interface Part {
  /** Below the folder of the mirror. */
  readonly name: string
  bytes: number
}

/** How far a mirror has come. Commits up to `done` are in the files, and of those up to `upTo` the lines up to `after`. */
export interface MirrorState {
  readonly store: string
  readonly done: bigint
  readonly round?: { readonly upTo: bigint; readonly after: Position | undefined }
  /** By service and day. */
  readonly parts: ReadonlyMap<string, Part>
  /** Names of files that get no more lines, and are still to be packed. */
  readonly finished: readonly string[]
  /** Folders that files of the mirror are in; those in others are somebody else's. */
  readonly folders: readonly string[]
}

interface Saved {
  readonly format: number
  readonly store: string
  readonly done: string
  readonly round?: { readonly upTo: string; readonly after?: Omit<Position, 'time'> & { readonly time: string } }
  readonly parts: readonly (readonly [string, Part])[]
  readonly finished: readonly string[]
  readonly folders: readonly string[]
}

/** Reads the state that is kept in the folder; undefined when there is none. */
export async function readState(dir: string): Promise<MirrorState | undefined> {
  const text = await readFile(join(dir, NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const { format, store, done, round, parts, finished, folders } = JSON.parse(text) as Saved
  if (format !== FORMAT) throw new Error(`the folder is of another version of swarmlogs (format ${format})`)
  return {
    ...{ store, done: BigInt(done), parts: new Map(parts), finished, folders },
    ...(round && {
      round: { upTo: BigInt(round.upTo), after: round.after && { ...round.after, time: BigInt(round.after.time) } },
    }),
  }
}

/** Keeps the state: what it says of the files must be durable before. */
export async function writeState(dir: string, state: MirrorState): Promise<void> {
  const { store, done, round, parts, finished, folders } = state
  const { upTo = 0n, after } = round ?? {}
  const saved: Saved = {
    ...{ format: FORMAT, store, done: String(done), parts: [...parts], finished, folders },
    ...(round && {
      round: { upTo: String(upTo), ...(after && { after: { ...after, time: String(after.time) } }) },
    }),
  }
  const path = join(dir, NAME)
  const file = await open(`${path}.new`, 'w', 0o640)
  try {
    await file.writeFile(JSON.stringify(saved))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  await syncPath(dir)
}
