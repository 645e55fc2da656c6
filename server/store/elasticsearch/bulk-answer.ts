import { Retry } from './insist.ts'

/** Why a document was not written: it is there already, or the cluster will never take it. */
export type Outcome = 'exists' | { readonly refused: string }

/** What became of documents: those that are not here were written. */
export type Outcomes<D> = Map<D, Outcome>

/** What a bulk request is answered. */
export interface Answer {
  readonly items?: readonly Readonly<Record<string, AnswerItem>>[]
}

interface AnswerItem {
  readonly status: number
  readonly error?: {
    readonly type?: string
    readonly reason?: string
    readonly caused_by?: { readonly reason?: string }
  }
}

/** What is known so far of the documents of a call. */
export interface Known<D> {
  readonly outcomes: Outcomes<D>
  /** An earlier try may have written them although we were not told. */
  readonly uncertain: Set<D>
}

/** Notes what became of each; returns those to try again, why, and those that exist of which an earlier try may have been ours. */
export function settle<D>(
  answer: Answer,
  open: readonly D[],
  { outcomes, uncertain }: Known<D>,
): { left: readonly D[]; doubtful: readonly D[]; problem: Retry | undefined } {
  const items = answer?.items
  if (!Array.isArray(items) || items.length !== open.length) {
    for (const one of open) uncertain.add(one)
    return { left: open, doubtful: [], problem: new Retry('something that is not Elasticsearch answered', false) }
  }
  const left: D[] = []
  const doubtful: D[] = []
  let problem: Retry | undefined
  for (const [index, one] of open.entries()) {
    const outcome = outcomeOf(itemOf(items[index]))
    if (outcome === undefined) continue
    if (outcome instanceof Retry) {
      problem = outcome
      if (!outcome.isBusy) uncertain.add(one)
      left.push(one)
    } else {
      outcomes.set(one, outcome)
      if (outcome === 'exists' && uncertain.has(one)) doubtful.push(one)
    }
  }
  return { left, doubtful, problem }
}

/** Types of 400 that say nothing about the document: an index is closed, or there may be no more shards. */
const PASSING = new Set(['index_closed_exception', 'validation_exception', 'process_cluster_event_timeout_exception'])

/** What was asked for names the item, and each has but one. */
function itemOf(item: Readonly<Record<string, AnswerItem>> = {}): AnswerItem | undefined {
  return item.create ?? item.index
}

/** Undefined when it was written. */
function outcomeOf(item: AnswerItem | undefined): Outcome | Retry | undefined {
  const { status = 500, error } = item ?? {}
  if (status < 300) return undefined
  const type = error?.type ?? ''
  if (status === 409 && type === 'version_conflict_engine_exception') return 'exists'
  const reason = `${error?.reason ?? type}${error?.caused_by?.reason === undefined ? '' : `: ${error.caused_by.reason}`}`
  if (status === 400 && !PASSING.has(type)) return { refused: `${type}: ${reason}`.slice(0, 2000) }
  // A block by a full disk answers 429, too, but goes on for longer than a full queue.
  const isBusy = status === 429 && type !== 'cluster_block_exception'
  return new Retry(`Elasticsearch answered ${status}: ${reason}`, isBusy, type === 'index_not_found_exception')
}
