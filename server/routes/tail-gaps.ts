import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import type { Context } from '../context.ts'
import type { FollowEvent } from '../follow.ts'
import { isAnnotation, type Told } from '../gap-feed.ts'
import { apiAnnotation, apiGap, Missing } from '../missing.ts'
import type { Question } from '../query/question.ts'

/** What a tail tells beside its lines. */
export type GapEvent =
  | { readonly kind: 'gap' | 'annotation'; readonly text: string }
  | { readonly kind: 'completeness'; readonly completeness: ApiCompleteness }

/**
 * Adds to a tail what is missing from it, and what people noted: where it goes live that of its history and the verdict on that, then gaps
 * and notes as they are stored, and the verdict on what comes whenever it changes.
 */
export async function* withGaps(
  context: Context,
  question: Question,
  events: AsyncGenerator<FollowEvent>,
): AsyncGenerator<FollowEvent | GapEvent> {
  const history = new History(context, question)
  const queue = context.gapFeed.subscribe((told) => history.wants(told))
  let pending: ReturnType<typeof events.next> | undefined
  let waiting: Promise<undefined> | undefined
  let isLive = false
  try {
    for (;;) {
      pending ??= events.next()
      if (isLive) waiting ??= queue.wait(context.timing.verdictMs)
      // Lines that come all the time must not hide the rest.
      const next = await (waiting === undefined ? pending : Promise.race([waiting, pending]))
      if (next === undefined) {
        waiting = undefined
        yield* queue.take().map((told) => eventOf(told, context))
        yield* history.changed()
      } else {
        pending = undefined
        if (next.done) return
        const event = next.value
        if (event.kind === 'records') history.begin(event.records[0]?.time)
        if (event.kind === 'live') {
          yield* await history.seam()
          isLive = true
        }
        yield event
      }
    }
  } finally {
    queue.close()
    await events.return(undefined)
  }
}

/** What is missing from a tail's history, and from what came since. */
class History {
  readonly #context: Context
  readonly #question: Question
  readonly #missing: Missing
  #hasBegun = false
  #said = ''

  constructor(context: Context, question: Question) {
    this.#context = context
    this.#question = question
    this.#missing = new Missing(context, question)
  }

  wants(told: Told): boolean {
    return this.#missing.wants(told)
  }

  /** The first line has come. */
  begin(time: bigint | undefined): void {
    if (!this.#hasBegun && time !== undefined) this.#missing.beginAt(time)
    this.#hasBegun = true
  }

  /** What is said where history ends. */
  async seam(): Promise<GapEvent[]> {
    const { cursor, since, newest } = this.#question
    if (since === undefined && newest === undefined && cursor === undefined)
      return this.#said === '' ? this.changed() : []
    await this.#missing.read()
    // What was lost or noted before a tail was taken up again has been told; a note may be about any time before it was made.
    const from = cursor?.receivedUpTo
    const told =
      from === undefined
        ? this.#missing.told
        : [...this.#missing.gaps.filter(({ to }) => to >= from), ...this.#missing.notedSince(from)]
    const completeness = this.#missing.completeness()
    this.#said = keyOf(this.#live())
    return [...told.map((one) => eventOf(one, this.#context)), { kind: 'completeness', completeness }]
  }

  /** The verdict on the lines that come in now, when it is not what was said last. */
  changed(): GapEvent[] {
    const completeness = this.#live()
    const key = keyOf(completeness)
    if (key === this.#said) return []
    this.#said = key
    return [{ kind: 'completeness', completeness }]
  }

  #live(): ApiCompleteness {
    const { cursor: _, newest: __, until: ___, ...question } = this.#question
    return new Missing(this.#context, { ...question, since: this.#context.now() }).completeness()
  }
}

/** What makes a verdict another one; watermarks always move. */
function keyOf({ verdict, nodes, unreadable }: ApiCompleteness): string {
  return JSON.stringify([verdict, nodes.map(({ id, name, reason }) => [id, name, reason]), unreadable])
}

function eventOf(told: Told, context: Context): GapEvent {
  return isAnnotation(told)
    ? { kind: 'annotation', text: JSON.stringify(apiAnnotation(told, context)) }
    : { kind: 'gap', text: JSON.stringify(apiGap(told, context)) }
}
