import type { ApiNote } from '../shared/api/answers.ts'
import { formatTime } from '../shared/time.ts'
import type { Context } from './context.ts'
import type { Question } from './query/question.ts'
import { smaller } from './store/bigint.ts'

/** A tail's question when the store does not reach back to where it is taken up again: lines that it was not sent may have been deleted. */
export interface PassedOver {
  readonly note: ApiNote
  /** What is asked then, of which the answer cannot be complete. */
  readonly question: Question
}

/** Looks whether retention has passed the cursor of a tail; undefined when it has not. */
export function passedOver(context: Pick<Context, 'store' | 'now'>, question: Question): PassedOver | undefined {
  const { cursor } = question
  // Before the first commit there was nothing to be deleted.
  if (cursor === undefined || cursor.receivedUpTo === 0n) return undefined
  const { position, receivedUpTo } = cursor
  const from = position === undefined ? receivedUpTo : smaller(position.time, receivedUpTo)
  const { begins = context.now() } = context.store.status()
  if (begins <= from) return undefined
  const range = `from ${formatTime(from)} to ${formatTime(begins)}`
  const message = `lines ${range} may be missing: the store has deleted what it had of that time before this tail went on`
  return { note: { code: 'passed', message }, question: { ...question, cursor: { ...cursor, isDoubtful: true } } }
}
