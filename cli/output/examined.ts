import type { ApiExamined } from '../../shared/api.ts'
import { say } from './say.ts'

/** Says when an answer tells of a part of the lines only. */
export function sayExamined({ records, limited, from }: ApiExamined): void {
  if (!limited) return
  say(`-- of the newest ${records} lines${from === undefined ? '' : `, from ${from} on`}: ask about less to have all`)
}
