import { SwarmlogsError } from '../../shared/errors.ts'

/** What the columns of an export are to the server; others are fields of the line. */
const NAMES: Readonly<Record<string, string>> = {
  ...{ time: '@timestamp', source: 'log.iostream', service: 'service.name', node: 'host.name' },
  slot: 'docker.swarm.task.slot',
}

/** Reads CSV (RFC 4180) whose first line names the columns. */
export class Csv {
  #heading: readonly string[] | undefined
  /** The beginning of a row of which a cell has a newline. */
  #held = ''

  push(line: string): Readonly<Record<string, unknown>> | undefined {
    const text = this.#held === '' ? line : `${this.#held}\n${line}`
    const isOpen = (text.match(/"/g)?.length ?? 0) % 2 === 1
    this.#held = isOpen ? text : ''
    if (isOpen || text.trim() === '') return undefined
    const cells = cellsOf(text)
    if (this.#heading === undefined) {
      this.#heading = cells
      return undefined
    }
    if (cells.length !== this.#heading.length) {
      const message = `cannot read a row of ${cells.length} cells below a heading of ${this.#heading.length}`
      throw new SwarmlogsError('SWARMLOGS_USAGE', message)
    }
    return lineOf(this.#heading, cells)
  }

  end(): undefined {
    if (this.#held === '') return undefined
    this.#held = ''
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot read the last row: a quote in it is not closed')
  }
}

function lineOf(heading: readonly string[], cells: readonly string[]): Readonly<Record<string, unknown>> {
  const members = heading.flatMap((column, index): [string, unknown][] => {
    const cell = cells[index] ?? ''
    // The level is found in the line again.
    if ((cell === '' && column !== 'message') || column === 'level') return []
    return [[NAMES[column] ?? column, column === 'slot' ? Number(cell) : cell]]
  })
  return Object.fromEntries(members)
}

function cellsOf(row: string): string[] {
  const cells: string[] = []
  for (let at = 0; at <= row.length; ) {
    const isQuoted = row[at] === '"'
    const end = isQuoted ? endOfQuote(row, at + 1) : row.indexOf(',', at)
    const stop = end < 0 ? row.length : end
    cells.push(isQuoted ? row.slice(at + 1, stop).replaceAll('""', '"') : row.slice(at, stop))
    at = stop + (isQuoted ? 2 : 1)
  }
  return cells
}

/** Where the quote that ends a cell is. */
function endOfQuote(row: string, from: number): number {
  for (let at = row.indexOf('"', from); at >= 0; at = row.indexOf('"', at + 2)) if (row[at + 1] !== '"') return at
  return -1
}
