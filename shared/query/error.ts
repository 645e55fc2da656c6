import { SwarmlogsError } from '../errors.ts'

/** Says what is wrong with a query and where: `unexpected ")" at 14: expected a word`. */
export class QueryError extends SwarmlogsError {
  /** Index of the character where it goes wrong, from 0; messages and the API count from 1. */
  readonly at: number

  constructor(at: number, problem: (place: number) => string, options?: ErrorOptions) {
    super('SWARMLOGS_USAGE', `cannot read the query: ${problem(at + 1)}`, options)
    this.at = at
  }
}

/** What the query says at a place cannot be used, and what can. */
export function unusable(at: number, what: string, remedy: string): QueryError {
  return new QueryError(at, (place) => `${what} at ${place}: ${remedy}`)
}
