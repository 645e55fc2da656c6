import type { StoredRecord } from '../../shared/record.ts'
import { canonical, type Labels } from './labels.ts'

/** A line on its way through the stages of a query. */
export class Entry {
  readonly record: StoredRecord
  line: string
  /** Labels that stages made of the line. */
  readonly parsed = new Set<string>()
  readonly #shared: Labels
  #own: Map<string, string> | undefined

  constructor(record: StoredRecord, labels: Labels) {
    this.record = record
    this.line = record.message
    this.#shared = labels
  }

  /** What stages have left of the labels, and added. */
  get labels(): Labels {
    return this.#own ?? this.#shared
  }

  /** The value of a label, '' when it is missing. */
  get(label: string): string {
    const value = this.labels.get(label)
    if (value !== undefined) return value
    // A level that was found in the line's fields is not ours.
    if (label === 'detected_level') return this.labels.has('level') ? this.record.level : ''
    return this.labels.get(canonical(label)) ?? ''
  }

  /** Sets a label that a stage made; with '' there is none. */
  set(label: string, value: string): void {
    if (value === '') this.#write().delete(label)
    else this.#write().set(label, value)
    this.parsed.add(label)
  }

  /** Forgets a label. */
  drop(label: string): void {
    const name = this.labels.has(label) ? label : canonical(label)
    if (this.labels.has(name)) this.#write().delete(name)
  }

  #write(): Map<string, string> {
    this.#own ??= new Map(this.#shared)
    return this.#own
  }
}
