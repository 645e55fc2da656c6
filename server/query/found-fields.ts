import type { ApiFields } from '../../shared/api/analysis.ts'
import type { LogStream } from '../../shared/record.ts'
import type { Facet } from '../store/store.ts'
import { LABEL_NAMES, lineFields, namedField } from './named-field.ts'

type Field = ApiFields['fields'][number]
type Kind = Field['types'][number]

/** Different names that are counted at most. */
const MAX_NAMES = 10_000

/** Counts the fields that lines have. */
export class FoundFields {
  readonly #fields = new Map<string, { records: number; types: Set<Kind> }>()
  isFull = false

  /** Takes the fields of one line. */
  take(text: string): void {
    if (text === '') return
    for (const [name, value] of Object.entries(lineFields(text))) {
      let field = this.#fields.get(name)
      if (field === undefined) {
        if (this.#fields.size >= MAX_NAMES) {
          this.isFull = true
          continue
        }
        field = { records: 0, types: new Set() }
        this.#fields.set(name, field)
      }
      field.records++
      const type = typeof value
      if (type === 'string' || type === 'number' || type === 'boolean') field.types.add(type)
    }
  }

  /** All of them, the most frequent first. */
  all(): Field[] {
    const fields = [...this.#fields].map(([name, { records, types }]): Field => {
      return { name, kind: 'line', records, types: [...types].sort() }
    })
    return fields.sort((a, b) => b.records - a.records || (a.name < b.name ? -1 : 1))
  }
}

/** The labels that any line has, with how many do. */
export function labelFields(facets: readonly Facet[], clusterOf: (stream: LogStream) => string): Field[] {
  return LABEL_NAMES.flatMap((name): Field[] => {
    const field = namedField(name, clusterOf)
    if (field.kind !== 'label') return []
    const having = facets.filter((facet) => field.valueOf(facet) !== undefined)
    const records = having.reduce((sum, facet) => sum + facet.records, 0)
    return records === 0 ? [] : [{ name, kind: 'label', records, types: [name === 'slot' ? 'number' : 'string'] }]
  })
}
