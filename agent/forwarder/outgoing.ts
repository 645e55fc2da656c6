import { Bell } from '../bell.ts'
import type { Spool } from '../spool.ts'

/** What a forwarder needs of a spool. */
export type Outgoing = Pick<Spool, 'next' | 'waitedMs' | 'lastSeq' | 'sending' | 'callBack' | 'remove' | 'changed'>

/** For who sends no lines, only notices. */
export function noLines(): Outgoing {
  return {
    changed: new Bell(),
    lastSeq: 0,
    next: () => undefined,
    waitedMs: () => undefined,
    sending: () => {},
    callBack: () => {},
    remove: () => {},
  }
}
