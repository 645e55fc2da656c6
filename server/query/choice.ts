import type { LogStream } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import type { StreamSummary } from '../store/store.ts'
import { streamMatches } from './filter.ts'
import { filterOf, type ScopeParameters } from './parameters.ts'
import type { Filter } from './query.ts'
import { nearestNames, resolveTarget, serviceNames, type Target, type Universe } from './targets.ts'

/** Names that a message or an answer lists at most. */
export const MAX_KNOWN = 200

/** Which streams a question is about, resolved against what there is. */
export interface Choice {
  readonly filter: Filter
  readonly targets: readonly Target[]
  readonly universe: Universe
  /** The streams of the catalog that it takes. */
  readonly matched: readonly StreamSummary[]
}

/** Resolves the parameters that choose among streams. */
export async function readChoice(context: Context, parameters: ScopeParameters): Promise<Choice> {
  const summaries = await context.store.streams()
  const universe = universeOf(context, summaries)
  const targets = (parameters.target ?? []).map((target) => resolveTarget(target, universe))
  const accepts = choiceOf(context, targets, parameters.current ? summaries : undefined)
  const filter = { ...filterOf(parameters), ...(accepts && { accepts }) }
  return { filter, targets, universe, matched: summaries.filter(({ stream }) => streamMatches(filter, stream)) }
}

/** Throws a Problem (404) when a target stands for nothing. */
export function mustExist({ targets, universe }: Choice): void {
  const missing = targets.find(({ kind }) => kind === 'none')
  if (missing !== undefined) throw noSuchTarget(missing, universe)
}

function noSuchTarget(target: Target, universe: Universe): Problem {
  const names = serviceNames(universe)
  const nearest = nearestNames(target.text, names)
  const hint = nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : 'there is nothing of this name'
  const message = `cannot find a service or task '${target.text}': ${hint}`
  const known = [...names].slice(0, MAX_KNOWN)
  return new Problem('SWARMLOGS_NOT_FOUND', 404, {
    code: 'no_such_target',
    message,
    parameter: 'target',
    nearest,
    known,
  })
}

function universeOf({ inventories }: Context, summaries: readonly StreamSummary[]): Universe {
  return {
    streams: summaries.map(({ stream }) => stream),
    services: inventories.services.map(({ service }) => service),
  }
}

/** The targets' streams; where a catalog is given, only those of tasks that Docker still has. Undefined: all, which stores need not look up. */
function choiceOf(
  { inventories }: Context,
  targets: readonly Target[],
  summaries: readonly StreamSummary[] | undefined,
): ((stream: LogStream) => boolean) | undefined {
  if (targets.length === 0 && summaries === undefined) return undefined
  const isWanted = (stream: LogStream) => targets.length === 0 || targets.some((target) => target.matches(stream))
  if (summaries === undefined) return isWanted
  const last = new Map(summaries.map((summary) => [summary.stream.containerId, summary.last]))
  return (stream) => isWanted(stream) && inventories.isCurrent(stream, last.get(stream.containerId))
}
