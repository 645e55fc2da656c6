import { Retry } from './insist.ts'
import type { Operation } from './operation.ts'

/** What became of an operation; `refused` tells why the cluster will never take it. */
export type Outcome = 'written' | 'exists' | { readonly refused: string }

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

/** What of a request is still to be written. */
export interface Open {
  readonly operation: Operation
  readonly place: number
  /** An earlier try may have written it although we were not told. */
  isUncertain: boolean
}

/** Notes what became of each; returns those to try again, and why. */
export function settle(
  answer: Answer,
  open: readonly Open[],
  outcomes: Outcome[],
  doubtful: Open[],
): { left: Open[]; problem: Retry | undefined } {
  const items = answer?.items
  if (!Array.isArray(items) || items.length !== open.length) {
    for (const one of open) one.isUncertain = true
    return { left: [...open], problem: new Retry('something that is not Elasticsearch answered', false) }
  }
  const left: Open[] = []
  let problem: Retry | undefined
  for (const [index, one] of open.entries()) {
    const item = Object.values<AnswerItem>(items[index] ?? {})[0]
    const outcome = outcomeOf(item)
    if (outcome instanceof Retry) {
      problem = outcome
      one.isUncertain ||= !outcome.isBusy
      left.push(one)
    } else {
      outcomes[one.place] = outcome
      if (outcome === 'exists' && one.isUncertain) doubtful.push(one)
    }
  }
  return { left, problem }
}

/** Types of 400 that say nothing about the document: an index is closed, or there may be no more shards. */
const PASSING = new Set(['index_closed_exception', 'validation_exception', 'process_cluster_event_timeout_exception'])

function outcomeOf(item: AnswerItem | undefined): Outcome | Retry {
  const { status = 500, error } = item ?? {}
  if (status < 300) return 'written'
  const type = error?.type ?? ''
  if (status === 409 && type === 'version_conflict_engine_exception') return 'exists'
  const reason = `${error?.reason ?? type}${error?.caused_by?.reason === undefined ? '' : `: ${error.caused_by.reason}`}`
  if (status === 400 && !PASSING.has(type)) return { refused: `${type}: ${reason}`.slice(0, 2000) }
  // A block by a full disk answers 429, too, but goes on for longer than a full queue.
  const isBusy = status === 429 && type !== 'cluster_block_exception'
  return new Retry(`Elasticsearch answered ${status}: ${reason}`, isBusy, type === 'index_not_found_exception')
}
