import type { ApiTaskChange } from '../../shared/api/answers.ts'
import type { LogStream } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { FollowEvent } from '../follow.ts'
import { streamMatches } from '../query/filter.ts'
import type { Question } from '../query/question.ts'
import type { GapEvent } from './tail-gaps.ts'

/** Tells of a task of the question. */
export interface TaskEvent {
  readonly kind: 'task'
  readonly change: ApiTaskChange
}

type Event = FollowEvent | GapEvent

/** Of more tasks than that nothing is told: a tail must not hold a cluster's history. */
const MAX_TASKS = 10_000
const CHECK_MS = 1_000

/** Adds to the live part of a tail when tasks come, with their first line, and go, once a manager has told. */
export async function* withTasks(
  context: Context,
  question: Question,
  events: AsyncGenerator<Event>,
): AsyncGenerator<Event | TaskEvent> {
  let tasks: Tasks | undefined
  for await (const event of events) {
    if (event.kind === 'live') tasks ??= await Tasks.begin(context, question)
    if (event.kind === 'records') yield* tasks?.come(event.records) ?? []
    yield event
    yield* tasks?.gone() ?? []
  }
}

/** The tasks that a tail may have lines of. */
class Tasks {
  readonly #inventories: Context['inventories']
  readonly #known: Set<string>
  readonly #running: Map<string, LogStream>
  #checkedMs = 0

  private constructor(inventories: Context['inventories'], known: Set<string>, running: Map<string, LogStream>) {
    this.#inventories = inventories
    this.#known = known
    this.#running = running
  }

  /** Those there are; undefined: too many. */
  static async begin({ store, inventories }: Context, { filter }: Question): Promise<Tasks | undefined> {
    const streams = (await store.streams())
      .map(({ stream }) => stream)
      .filter((stream) => streamMatches(filter, stream))
    if (streams.length > MAX_TASKS) return undefined
    const running = streams.filter((stream) => keyOf(stream) !== '' && !inventories.hasEnded(stream))
    return new Tasks(inventories, new Set(streams.map(keyOf)), new Map(running.map((one) => [keyOf(one), one])))
  }

  *come(records: readonly { readonly stream: LogStream }[]): Generator<TaskEvent> {
    for (const { stream } of records) {
      const key = keyOf(stream)
      if (key === '' || this.#known.has(key) || this.#known.size >= MAX_TASKS) continue
      this.#known.add(key)
      this.#running.set(key, stream)
      yield taskEvent('comes', stream)
    }
  }

  *gone(): Generator<TaskEvent> {
    if (performance.now() - this.#checkedMs < CHECK_MS) return
    this.#checkedMs = performance.now()
    for (const [key, stream] of this.#running) {
      if (!this.#inventories.hasEnded(stream)) continue
      this.#running.delete(key)
      yield taskEvent('goes', stream)
    }
  }
}

/** What is the same for all streams of a task; '' for foreign senders, which have none. */
function keyOf({ taskId, containerId }: LogStream): string {
  return taskId || containerId
}

function taskEvent(change: ApiTaskChange['change'], stream: LogStream): TaskEvent {
  const { service, slot, taskId: task, containerName: container, nodeName: node } = stream
  return { kind: 'task', change: { change, service, slot, task, container, node } }
}
