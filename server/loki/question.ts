import type { Context } from '../context.ts'
import { Missing } from '../missing.ts'
import { Cursors } from '../query/cursor.ts'
import type { Question } from '../query/question.ts'
import type { StreamSummary } from '../store/store.ts'
import type { LogQuery } from './logql/tree.ts'
import type { Plan } from './plan.ts'

const MAX_NAMED = 10

/** The question that a query is, as the rest of the server knows questions. */
export function questionOf(
  { store }: Context,
  query: Pick<LogQuery, 'matchers'>,
  plan: Plan,
  rest: { readonly matched: readonly StreamSummary[]; readonly since?: bigint; readonly until?: bigint },
): Question {
  const target = { text: 'LogQL', kind: 'service', widened: [], matches: plan.accepts } as const
  return {
    ...rest,
    filter: plan.filter,
    targets: query.matchers.length === 0 ? [] : [target],
    universe: { streams: [], services: [] },
    perTask: false,
    cursors: new Cursors(store.identity.id, 'loki'),
    format: { timestamps: false, prefix: () => '' },
  }
}

/** Tells, once the answer is there, what it lacks. To be called before the search sees the store. */
export async function watchMissing(context: Context, question: Question): Promise<() => string[]> {
  const missing = new Missing(context, question)
  await missing.read()
  return () => {
    const { verdict, nodes, gaps, unreadable } = missing.completeness()
    if (verdict !== 'partial') return []
    const parts = [
      ...nodes
        .slice(0, MAX_NAMED)
        .map(({ name, id, reason, up_to }) => `node ${name || id} (${reason}${up_to ? `, up to ${up_to}` : ''})`),
      ...(nodes.length > MAX_NAMED ? [`${nodes.length - MAX_NAMED} more nodes`] : []),
      ...(gaps > 0 ? [`${gaps} gaps`] : []),
      ...(unreadable.length > 0 ? [`${unreadable.length} containers that cannot be read`] : []),
    ]
    return [`lines are missing: ${parts.join(', ')}`]
  }
}
