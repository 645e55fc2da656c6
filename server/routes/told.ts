import type { Context } from '../context.ts'
import { isAnnotation, type Told } from '../gap-feed.ts'
import { apiAnnotation, apiGap } from '../missing.ts'

/** Gaps, and notes where they are wanted, as lines of NDJSON. */
export function toldLines(items: readonly Told[], context: Context, hasNotes: boolean): string {
  return items
    .filter((one) => hasNotes || !isAnnotation(one))
    .map((one) => `{"${isAnnotation(one) ? 'annotation' : 'gap'}":${toldText(one, context)}}\n`)
    .join('')
}

/** Gathers gaps and notes for a page. */
export class ToldTexts {
  readonly #context: Context
  readonly #gaps: string[] = []
  readonly #annotations: string[] = []

  constructor(context: Context) {
    this.#context = context
  }

  add(items: readonly Told[]): void {
    for (const one of items) (isAnnotation(one) ? this.#annotations : this.#gaps).push(toldText(one, this.#context))
  }

  /** The members of the page that have them. */
  get members(): string {
    const annotations = this.#annotations.length === 0 ? '' : `,"annotations":[${this.#annotations.join(',')}]`
    return `,"gaps":[${this.#gaps.join(',')}]${annotations}`
  }
}

function toldText(one: Told, context: Context): string {
  return JSON.stringify(isAnnotation(one) ? apiAnnotation(one, context) : apiGap(one, context))
}
