import type { ApiExamined } from '../../shared/api/answers.ts'
import type { Flags } from '../../shared/settings.ts'
import { say } from './say.ts'
import { unitOf } from './unit.ts'

/** Says when an answer tells of a part of the lines, or events, only. */
export function sayExamined({ records, limited, from }: ApiExamined, flags: Flags): void {
  if (!limited) return
  const begin = from === undefined ? '' : `, from ${from} on`
  say(`-- of the newest ${records} ${unitOf(flags)}s${begin}: ask about less to have all`)
}
