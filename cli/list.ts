import { SwarmlogsError } from '../shared/errors.ts'
import { Client } from './client.ts'
import { clientConfig } from './config.ts'
import { printTable } from './output/table.ts'

/** A table to print. */
export interface Table {
  readonly heading: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Asks for a list and prints it as a table, or as JSON with -o json; `now` is the server's clock (ms since 1970). */
export async function printList<T>(
  flags: Readonly<Record<string, unknown>>,
  path: string,
  table: (answer: T, now: number) => Table,
): Promise<void> {
  const output = listForm(flags)
  const { answer, date } = await new Client(clientConfig(flags)).json<T>(path)
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify(answer)}\n`)
    return
  }
  const { heading, rows } = table(answer, date)
  printTable(heading, rows)
}

/** -o of commands that list things. Throws SWARMLOGS_USAGE. */
export function listForm({ output }: Readonly<Record<string, unknown>>): 'table' | 'json' {
  if (output === 'table' || output === 'json') return output
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${output}' for --output: give table or json`)
}
