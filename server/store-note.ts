import { formatTime } from '../shared/time.ts'
import type { Completeness } from './completeness.ts'

/** An operator should hear of it when a server has come up with another store than the agents knew; '' when it has not. */
export function storeNote({ lostStore }: Pick<Completeness, 'lostStore'>): string {
  if (lostStore === undefined) return ''
  const { containers, upTo } = lostStore
  return `the store changed: lines of ${containers} containers up to ${formatTime(upTo)} were in another store, and Docker has forgotten them`
}
