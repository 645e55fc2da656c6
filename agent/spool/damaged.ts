import { SwarmlogsError } from '../../shared/errors.ts'

/** The error for a spool that cannot be trusted. */
export function damaged(what: string, reason: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `cannot read ${what}: ${reason}`)
}
