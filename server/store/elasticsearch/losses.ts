import type { Logger } from 'pino'
import type { Counts } from './counts.ts'
import type { Identity } from './identity.ts'
import type { Indices } from './indices.ts'
import type { Names } from './names.ts'
import type { Notes } from './notes.ts'
import type { Streams } from './streams.ts'

/** What it takes to notice losses. */
export interface LossParts {
  readonly identity: Identity
  readonly notes: Notes
  readonly names: Names
  readonly indices: Indices
  readonly counts: Counts
  readonly streams: Streams
  readonly log: Logger
}

/** Notices when others than swarmlogs deleted a day, or our notes: agents then send again what Docker still holds. */
export class Losses {
  readonly #parts: LossParts
  /** UUID of each day, as of the last look. */
  #known: ReadonlyMap<string, string> = new Map()
  #notesUuid: string | undefined

  constructor(parts: LossParts) {
    this.#parts = parts
  }

  /** Recalls which days there were when a server looked last. */
  async load(): Promise<void> {
    const text = await this.#parts.notes.read('identity', 'days')
    this.#known = new Map(text === undefined ? [] : (JSON.parse(text) as [string, string][]))
  }

  /** Compares with the indices that there are now and their UUIDs; whether the notes are others than before. */
  async look(found: ReadonlyMap<string, string>): Promise<boolean> {
    const { identity, names, notes } = this.#parts
    const notesUuid = found.get(notes.index)
    const areNotesNew = this.#notesUuid !== undefined && notesUuid !== this.#notesUuid
    if (areNotesNew) await this.#renewNotes()
    await identity.learn()
    const days = new Map([...found].filter(([index]) => isOfLines(names, index)))
    const lost = await this.#lostOf(days)
    if (lost.length > 0) await this.#lose(lost)
    const isSame = days.size === this.#known.size && [...days].every(([index, uuid]) => this.#known.get(index) === uuid)
    this.#known = days
    if (!isSame || areNotesNew) await notes.write('identity', 'days', JSON.stringify([...days]))
    this.#notesUuid = notesUuid ?? this.#notesUuid
    return areNotesNew
  }

  /** Those that are gone, or others by the same name, though no server let them expire. */
  async #lostOf(days: ReadonlyMap<string, string>): Promise<string[]> {
    const lost: string[] = []
    for (const [index, uuid] of this.#known) {
      if (days.get(index) === uuid) continue
      if ((await this.#parts.notes.read('expired', index)) !== uuid) lost.push(index)
    }
    return lost
  }

  async #lose(lost: readonly string[]): Promise<void> {
    const { identity, counts, log } = this.#parts
    for (const index of lost) counts.forget(index)
    await identity.raise()
    log.error(
      { indices: lost },
      'days were deleted by others than swarmlogs: agents send again what Docker still holds',
    )
  }

  /** The notes were deleted, and the streams' labels with them. */
  async #renewNotes(): Promise<void> {
    const { notes, indices, streams, counts, log } = this.#parts
    log.error({ index: notes.index }, 'notes were deleted by others than swarmlogs: they are written again')
    await indices.ensure(notes.index)
    for (const entry of streams.entries()) entry.renewed = ''
    for (const index of counts.indices) counts.changed.add(index)
  }
}

function isOfLines(names: Names, index: string): boolean {
  const kind = names.parse(index)?.kind
  return kind !== undefined && kind !== 'dead'
}
