import { StringDecoder } from 'node:string_decoder'
import type { ApiAnnotation, ApiGap, ApiRecord } from '../../shared/api/record.ts'
import { Around } from './around.ts'
import type { RecordForm } from './forms.ts'
import type { Matching } from './matching.ts'
import type { MissingNotes } from './missing.ts'
import { zoned } from './zoned.ts'

/** What becomes of records before they are shown. */
export interface RecordOptions {
  readonly form: RecordForm
  readonly matching: Matching | undefined
  /** --context: so many lines around each that matches; 0: none. */
  readonly around: number
  /** --timezone; undefined: times stay as they are. */
  readonly zone: string | undefined
  /** Gaps and notes stand among the records of JSON; from other forms they are taken out and told here. */
  readonly notes: Pick<MissingNotes, 'gap' | 'annotation'> | undefined
}

interface Entry {
  readonly record: ApiRecord
  readonly line: string
}

/** Writes records, which come as a line of JSON each, in another form, and leaves out what is not wanted. */
export class RecordStage {
  readonly #options: RecordOptions
  readonly #around: Around<Entry> | undefined
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #hasBegun = false

  constructor(options: RecordOptions) {
    this.#options = options
    this.#around = options.around > 0 ? new Around(options.around) : undefined
  }

  /** Takes bytes, cut anywhere, and gives what is to be shown now. */
  push(bytes: Buffer): string {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = lines.pop() ?? ''
    return this.#begin() + lines.map((line) => (line === '' ? '' : this.#line(line))).join('')
  }

  end(): string {
    const line = this.#rest + this.#decoder.end()
    this.#rest = ''
    return this.#begin() + (line === '' ? '' : this.#line(line))
  }

  #begin(): string {
    const { head } = this.#options.form
    if (this.#hasBegun || head === '') return ''
    this.#hasBegun = true
    return `${head}\n`
  }

  #line(line: string): string {
    const { matching, notes } = this.#options
    const record = JSON.parse(line) as ApiRecord & { readonly gap?: ApiGap; readonly annotation?: ApiAnnotation }
    if (record.gap !== undefined || record.annotation !== undefined) {
      if (record.gap !== undefined) notes?.gap(record.gap)
      if (record.annotation !== undefined) notes?.annotation(record.annotation)
      return notes === undefined ? `${line}\n` : ''
    }
    const isHit = matching === undefined || matching.takes(record.message)
    const entry = { record, line }
    if (this.#around === undefined) return isHit ? this.#write(entry) : ''
    const key = record['container.id'] ?? ''
    return this.#around
      .push(key, entry, isHit)
      .map((one) => this.#write(one))
      .join('')
  }

  #write({ record, line }: Entry): string {
    const { form, zone } = this.#options
    const local = zone === undefined ? record : { ...record, '@timestamp': zoned(record['@timestamp'], zone) }
    return `${form.write(local, line)}\n`
  }
}
