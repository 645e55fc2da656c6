import type { FastifyReply } from 'fastify'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import type { Choice } from '../query/choice.ts'
import { beginsAfter } from '../query/question.ts'

/** Says beside an answer what it is about: the services that targets were widened to, where the store begins, how many streams. */
export function writeHeaders(context: Context, asked: Choice & { readonly since?: bigint }, reply: FastifyReply): void {
  const widened = asked.targets.flatMap((target) => target.widened)
  if (widened.length > 0) reply.header('swarmlogs-targets', widened.map(headerText).join(','))
  const begins = beginsAfter(context, asked)
  if (begins !== undefined) reply.header('swarmlogs-begins', formatTime(begins))
  reply.header('swarmlogs-matched', asked.matched.length)
}

/** Names come from other systems: in a header all but visible ASCII is percent-encoded, and so is the comma. */
function headerText(name: string): string {
  return name.toWellFormed().replace(/[^\x21-\x2b\x2d-\x7e]/gu, encodeURIComponent)
}
