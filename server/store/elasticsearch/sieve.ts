/** Marks of lines of which the index does not hold all that stands in them. */
export type Doubt = 'swarmlogs.long_token' | 'swarmlogs.fields_partly'

/** What the index says about a condition. */
export interface Sieve {
  /** All lines that meet the condition meet this: true when any line may, false when none does. Of the lines in doubt it says nothing. */
  readonly query: object | boolean
  /** And all that meet this meet the condition. */
  readonly isExact: boolean
  readonly doubts: readonly Doubt[]
}

/** Any line may meet the condition. */
export const UNKNOWN: Sieve = { query: true, isExact: false, doubts: [] }

/** A query that says all about the condition, but for lines in doubt. */
export function exactly(query: object | boolean, ...doubts: Doubt[]): Sieve {
  return { query, isExact: true, doubts }
}

/** A query that leaves out no line, but for lines in doubt. */
export function roughly(query: object | boolean, ...doubts: Doubt[]): Sieve {
  return { query, isExact: query === false, doubts }
}

/** Lines that meet all of the conditions. */
export function allOf(sieves: readonly Sieve[]): Sieve {
  const doubts = doubtsOf(sieves)
  if (sieves.some(({ query }) => query === false)) return exactly(false, ...doubts)
  const filter = sieves.flatMap(({ query }) => (typeof query === 'object' ? [query] : []))
  const [only = true] = filter
  const isExact = sieves.every((sieve) => sieve.isExact)
  return { query: filter.length > 1 ? { bool: { filter } } : only, isExact, doubts }
}

/** Lines that meet any of the conditions. */
export function anyOf(sieves: readonly Sieve[]): Sieve {
  const open = sieves.filter(({ query }) => query === true)
  const exact = open.find(({ isExact }) => isExact)
  if (exact !== undefined || open.length > 0) return exact ?? UNKNOWN
  const should = sieves.flatMap(({ query }) => (typeof query === 'object' ? [query] : []))
  const [only = false] = should
  const isExact = sieves.every((sieve) => sieve.isExact)
  return { query: should.length > 1 ? { bool: { should } } : only, isExact, doubts: doubtsOf(sieves) }
}

/** Lines that do not meet the condition: what may meet it may also not. */
export function noneOf({ query, isExact, doubts }: Sieve): Sieve {
  if (!isExact) return UNKNOWN
  return exactly(typeof query === 'boolean' ? !query : { bool: { must_not: [query] } }, ...doubts)
}

/** The clauses that leave out no line that meets the condition. */
export function clausesOf({ query, doubts }: Sieve): object[] {
  if (query === true) return []
  const should = [...(query === false ? [] : [query]), ...doubts.map(doubtClause)]
  if (should.length === 0) return [{ match_none: {} }]
  return should.length === 1 ? should : [{ bool: { should } }]
}

/** The clauses of lines that are not in doubt. */
export function certainClauses({ query, doubts }: Sieve): object[] {
  const without = doubts.length === 0 ? [] : [{ bool: { must_not: doubts.map(doubtClause) } }]
  return [...clausesOf({ query, isExact: true, doubts: [] }), ...without]
}

/** The clause of lines in doubt, whatever the index says about them. */
export function doubtfulClause({ doubts }: Sieve): object {
  return { bool: { should: doubts.map(doubtClause), minimum_should_match: 1 } }
}

function doubtClause(doubt: Doubt): object {
  return { term: { [doubt]: true } }
}

function doubtsOf(sieves: readonly Sieve[]): Doubt[] {
  return [...new Set(sieves.flatMap(({ doubts }) => doubts))]
}
