import { Problem } from '../problem.ts'

/** The problem with a request that cannot be answered as it is; `message` says what would be right. */
export function refused(message: string, options?: ErrorOptions): Problem {
  return new Problem('SWARMLOGS_USAGE', 400, { code: 'bad_request', message }, options)
}

/** The problem with a construct of LogQL that is not there. */
export function unsupported(construct: string): Problem {
  return refused(`cannot evaluate ${construct}: this part of LogQL is not supported here; leave it out`)
}
