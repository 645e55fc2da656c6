/** What operands mean: which streams, and which of their lines. */
export interface Operands {
  readonly targets: readonly string[]
  /** Absent when none is a query. */
  readonly q?: string
}

/** No name, id or glob of a service or task has one of these. */
const ONLY_IN_QUERIES = /[\s"'():=<>!/]/

/** Tells queries from targets: `web 'level>=error'`. A line must meet all queries. */
export function splitOperands(operands: readonly string[]): Operands {
  const queries = operands.filter((operand) => ONLY_IN_QUERIES.test(operand))
  const targets = operands.filter((operand) => !ONLY_IN_QUERIES.test(operand))
  return { targets, ...(queries.length > 0 && { q: joinQueries(queries) }) }
}

/** One query that asks for what each of them asks for. */
export function joinQueries(queries: readonly string[]): string {
  return queries.length === 1 ? queries.join('') : queries.map((query) => `(${query})`).join(' ')
}
