import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { unavailable } from '../unavailable.ts'
import { failureOf } from './failure.ts'
import type { Names } from './names.ts'
import type { RequestOptions, Requests } from './requests.ts'

/** What the index of notes holds, by kind: a named value, a stream's labels, counts of a day, times of guessed ordinals, the identity, UUIDs of days that a server let expire. */
export type NoteKind = 'value' | 'stream' | 'counts' | 'guesses' | 'identity' | 'expired'

/** One note as it stands in its document. */
export interface Note {
  readonly kind: NoteKind
  /** When it was last known to be needed, milliseconds since 1970; what was not for longer than the retention goes. */
  readonly seen: number
  readonly data: string
}

/** A note that was found, with its place in the order of writing. */
export interface FoundNote {
  readonly id: string
  readonly seq: number
  readonly note: Note
}

interface Hits {
  readonly hits?: { readonly hits?: readonly { _id: string; _source: Note; sort: readonly [number] }[] }
}

interface Versions {
  readonly docs: readonly { _source?: Note; _seq_no?: number; _primary_term?: number }[]
}

const PAGE = 2000
const MAX_TRIES = 10
const PAUSE_MS = 20

/** Small documents that live with the lines: read by id at once, found by kind after a refresh. */
export class Notes {
  readonly #requests: Requests
  readonly #index: string

  constructor(requests: Requests, names: Names) {
    this.#requests = requests
    this.#index = names.meta
  }

  get index(): string {
    return this.#index
  }

  /** The data of a note; undefined when there is none. */
  async read(kind: NoteKind, name: string): Promise<string | undefined> {
    return (await this.readAll([noteId(kind, name)]))[0]
  }

  /** The data of notes by their ids, each undefined when there is none. */
  async readAll(ids: readonly string[]): Promise<(string | undefined)[]> {
    if (ids.length === 0) return []
    const { docs } = await this.#requests.send<{ docs: readonly { _source?: Note }[] }>(
      'POST',
      `/${this.#index}/_mget`,
      {
        body: { ids },
      },
    )
    return docs.map(({ _source }) => _source?.data)
  }

  async write(kind: NoteKind, name: string, data: string): Promise<void> {
    const note: Note = { kind, seen: Date.now(), data }
    await this.#requests.send('PUT', `/${this.#index}/_doc/${encodeURIComponent(noteId(kind, name))}`, { body: note })
  }

  /** Writes the note unless there is one; whether it did. */
  async create(kind: NoteKind, name: string, data: string): Promise<boolean> {
    return this.#writeIf(kind, name, data)
  }

  /** Writes what a change makes of a note, if anything, anew when somebody else has written it meanwhile; answers what is there then. */
  async change(
    kind: NoteKind,
    name: string,
    change: (data: string | undefined) => string | undefined,
  ): Promise<string | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // Others may well come again at the same moment.
      if (tries > 0) await delay(Math.random() * PAUSE_MS * tries)
      const { docs } = await this.#requests.send<Versions>('POST', `/${this.#index}/_mget`, {
        body: { ids: [noteId(kind, name)] },
      })
      const { _source, _seq_no, _primary_term } = docs[0] ?? {}
      const data = change(_source?.data)
      if (data === undefined) return _source?.data
      const isKnown = _seq_no !== undefined && _primary_term !== undefined
      const version = isKnown ? { if_seq_no: _seq_no, if_primary_term: _primary_term } : undefined
      if (await this.#writeIf(kind, name, data, version)) return data
    }
    throw unavailable(`write '${name}': other servers do all the time; try again`)
  }

  /** Writes the note while it is of this version; without one, while there is none. Whether it did. */
  async #writeIf(kind: NoteKind, name: string, data: string, version?: RequestOptions['query']): Promise<boolean> {
    const note: Note = { kind, seen: Date.now(), data }
    try {
      const path = `/${this.#index}/${version ? '_doc' : '_create'}/${encodeURIComponent(noteId(kind, name))}`
      await this.#requests.send('PUT', path, { body: note, ...(version && { query: version }) })
      return true
    } catch (error) {
      if (failureOf(error) === 'refused' && statusOf(error) === 409) return false
      throw error
    }
  }

  /** Notes of a kind that were written after `afterSeq`, in the order of writing; with `before` only those not needed since. */
  async *find(kind: NoteKind, afterSeq: number, before?: number): AsyncGenerator<readonly FoundNote[]> {
    for (let after = afterSeq; ; ) {
      const filter = [
        { term: { kind } },
        { range: { _seq_no: { gt: after } } },
        ...(before === undefined ? [] : [{ range: { seen: { lt: before } } }]),
      ]
      const { hits } = await this.#requests.send<Hits>('POST', `/${this.#index}/_search`, {
        body: { size: PAGE, sort: [{ _seq_no: 'asc' }], query: { bool: { filter } }, track_total_hits: false },
        query: {
          filter_path: 'hits.hits._id,hits.hits._source,hits.hits.sort',
          allow_partial_search_results: false,
          ignore_unavailable: true,
        },
      })
      const found = (hits?.hits ?? []).map(({ _id, _source, sort }) => ({ id: _id, seq: sort[0], note: _source }))
      if (found.length > 0) yield found
      after = found.at(-1)?.seq ?? after
      if (found.length < PAGE) return
    }
  }
}

/** The `_id` of a note; names may be of any length. */
export function noteId(kind: NoteKind, name: string): string {
  const isPlain = name.length <= 100 && /^[\w.-]+$/.test(name)
  return `${kind}:${isPlain ? name : `#${hash('sha256', name)}`}`
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 0
}
