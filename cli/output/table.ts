import { harmless } from './harmless.ts'

const GAP = '   '

/** Prints rows under a heading in padded columns, as docker does; text in them is made harmless when a terminal shows it. */
export function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const shown = process.stdout.isTTY ? rows.map((row) => row.map((cell) => harmless(cell))) : rows
  const lines = [heading, ...shown]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
  process.stdout.write(`${text.join('\n')}\n`)
}
