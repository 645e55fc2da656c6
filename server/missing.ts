import type { ApiCompleteness } from '../shared/api/completeness.ts'
import type { ApiAnnotation, ApiGap } from '../shared/api/record.ts'
import { streamFields } from '../shared/fields.ts'
import { ANY_NODE, type Gap, isLoss, isOfNode } from '../shared/gap.ts'
import { formatTime } from '../shared/time.ts'
import type { Annotation } from './annotations.ts'
import type { Judgement, NamedContainer } from './completeness/judge.ts'
import { type Wanted, wantedOf, wantsNode } from './completeness/wanted.ts'
import type { Context } from './context.ts'
import { isAnnotation, type Told } from './gap-feed.ts'
import { streamMatches } from './query/filter.ts'
import type { Question } from './query/question.ts'
import { isGapIn } from './store/gap-table.ts'

const NS_PER_DAY = 86_400_000_000_000n
/** How many nodes, and how many containers of one kind, are named. */
const MAX_NAMED = 1_000

/** What an answer is about, as far as that decides what is missing from it. */
export type Asked = Pick<Question, 'filter' | 'targets' | 'matched' | 'since' | 'until' | 'newest' | 'cursor'>

/** What is missing from one answer: the gaps in its range, and the nodes whose lines are not all here. */
export class Missing {
  readonly #context: Context
  readonly #question: Asked
  readonly #wanted: Wanted
  readonly #view: ReturnType<Context['completeness']['view']>
  readonly #now: bigint
  /** How many files of the store were known to be damaged before the search. */
  readonly #damaged: number
  /** Whether days that are archived could not be looked into. */
  readonly #isAbsent: boolean
  #gaps: readonly Gap[] = []
  #annotations: readonly Annotation[] = []
  /** Where the answer begins when only its newest lines are asked for. */
  #from: bigint | undefined
  #judged: Judgement | undefined

  /** Must be made before the search sees the store: what agents tell later may speak of lines that it does not see. */
  constructor(context: Context, question: Asked) {
    const { cursor } = question
    const now = context.now()
    this.#context = context
    this.#question = question
    this.#wanted = wantedOf(question, context.inventories.clusterOf)
    this.#view = context.completeness.view()
    const { damaged, absent } = context.store.status()
    this.#damaged = damaged.length
    this.#isAbsent = absent !== undefined
    // Later pages show the store as it was at the first.
    this.#now = cursor !== undefined && cursor.receivedUpTo < now ? cursor.receivedUpTo : now
  }

  /** Reads the gaps and what people noted. */
  async read(): Promise<void> {
    const { since, until } = this.#question
    const gaps = await this.#context.store.gaps({ since, until })
    this.#gaps = gaps.filter((gap) => this.#takes(gap))
    this.#annotations = (await this.#context.annotations.in({ since, until })).filter((one) => this.wants(one))
  }

  /** The answer shows the newest lines only, and this is the time of the first of them. */
  beginAt(time: bigint): void {
    if (!this.#isNewestOnly) return
    this.#from = time
    this.#judged = undefined
  }

  /** Where the answer begins must be known to tell what is missing from it. */
  get needsBeginning(): boolean {
    const isOfUse = this.verdict() === 'partial' || this.#annotations.length > 0
    return this.#isNewestOnly && this.#from === undefined && isOfUse
  }

  /** The gaps in the answer's range, by where they begin. */
  get gaps(): readonly Gap[] {
    if (this.#question.newest === 0) return []
    return this.#gaps.filter((gap) => isGapIn(gap, { since: this.#from }))
  }

  /** What people noted in the answer's range, in order. */
  get annotations(): readonly Annotation[] {
    if (this.#question.newest === 0) return []
    return this.#annotations.filter((one) => isGapIn(one, { since: this.#from }))
  }

  /** What people noted since then, wherever the answer begins. */
  notedSince(made: bigint): readonly Annotation[] {
    return this.#annotations.filter((one) => one.made >= made)
  }

  /** Gaps and notes, by where they begin. */
  get told(): readonly Told[] {
    if (this.#annotations.length === 0) return this.gaps
    return [...this.gaps, ...this.annotations].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  }

  /** Whether nodes' lines are missing. */
  get hasLateNodes(): boolean {
    return this.#judgement().nodes.length > 0
  }

  /** Whether all is here that the question asks for. */
  verdict(judgement = this.#judgement()): ApiCompleteness['verdict'] {
    const { nodes, unreadable, isMembershipKnown } = judgement
    // What proves damaged while the answer is made is not among the gaps yet.
    const hasLost = this.#context.store.status().damaged.length > this.#damaged
    const isDoubtful = this.#question.cursor?.isDoubtful === true || hasLost
    const isLacking = nodes.length > 0 || unreadable.length > 0 || isDoubtful || this.#lacksDays
    if (isLacking || this.gaps.some(isLoss)) return 'partial'
    return isMembershipKnown ? 'complete' : 'unknown'
  }

  /** What the answer says of itself. */
  completeness(): ApiCompleteness {
    const judgement = this.#judgement()
    const { nodes, unreadable, lossy, isMembershipKnown } = judgement
    return {
      verdict: this.verdict(judgement),
      membership: isMembershipKnown ? 'known' : 'unknown',
      nodes: nodes.slice(0, MAX_NAMED).map(({ id, name, reason, upTo }) => {
        return { id, name, reason, ...(upTo !== undefined && { up_to: formatTime(upTo) }) }
      }),
      gaps: this.gaps.filter(isLoss).length,
      unreadable: unreadable.slice(0, MAX_NAMED).map(namedContainer),
      lossy: lossy.slice(0, MAX_NAMED).map(namedContainer),
    }
  }

  /** Whether the answer takes a gap, or a note; one that is about no container is for all. */
  wants(told: Told): boolean {
    const { filter, since, until } = this.#question
    if (!isGapIn(told, { since, until })) return false
    if (isAnnotation(told)) return told.stream === undefined || streamMatches(filter, told.stream)
    return this.#takes(told)
  }

  /** Lines of any container may be missing in a gap of a node. */
  #takes(gap: Gap): boolean {
    const { stream } = gap
    if (stream.containerId === ANY_NODE.containerId) return true
    if (isOfNode(gap)) return wantsNode(this.#wanted, { id: stream.nodeId, name: stream.nodeName })
    return streamMatches(this.#question.filter, stream)
  }

  /** Whether the answer reaches back to days that may be archived where nobody can read them now. */
  get #lacksDays(): boolean {
    const since = this.#from ?? this.#question.since ?? 0n
    return this.#isAbsent && since < this.#now - (this.#now % NS_PER_DAY)
  }

  get #isNewestOnly(): boolean {
    const { newest, matched } = this.#question
    if (newest === undefined) return false
    return matched.reduce((sum, { records }) => sum + records, 0) > newest
  }

  /** It does not change but with where the answer begins. */
  #judgement(): Judgement {
    const { since, until } = this.#question
    this.#judged ??= this.#view({ ...this.#wanted, since: this.#from ?? since, until }, this.#now)
    return this.#judged
  }
}

/** A gap as answers have it. */
export function apiGap(gap: Gap, { inventories }: Context): ApiGap {
  const { stream, from, to, reason, atLeast, atMost } = gap
  const named = isOfNode(gap) ? { ...stream, containerId: '' } : stream
  return {
    ...streamFields({ ...named, cluster: inventories.clusterOf(stream) }),
    ...{ from: formatTime(from), to: formatTime(to), reason, at_least: atLeast },
    ...(atMost !== undefined && { at_most: atMost }),
  }
}

/** A note as answers have it. */
export function apiAnnotation(one: Annotation, { inventories }: Context): ApiAnnotation {
  const { id, from, made, by, text, stream, cursor } = one
  return {
    ...(stream && streamFields({ ...stream, cluster: inventories.clusterOf(stream) })),
    ...{ id, at: formatTime(from), text, by, made: formatTime(made) },
    ...(cursor !== undefined && { cursor }),
  }
}

function namedContainer({ node, service, containerId, detail }: NamedContainer): ApiCompleteness['unreadable'][number] {
  return { 'host.name': node, 'service.name': service, 'container.id': containerId, detail }
}
