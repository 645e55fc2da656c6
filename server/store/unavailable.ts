import { SwarmlogsError } from '../../shared/errors.ts'

/** The error that a store answers with when it cannot do what was asked just now. */
export function unavailable(what: string, cause?: unknown): SwarmlogsError {
  const options = cause === undefined ? undefined : { cause }
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', `cannot ${what}`, options)
}
