import type { Outcome } from './drive.ts'

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ['fault', ({ name }) => name],
  ['what', ({ title }) => title],
  ['printed', ({ printed }) => String(printed)],
  ['missing', ({ missing }) => String(missing)],
  ['doubled', ({ doubled, strange }) => String(doubled + strange)],
  ['disordered', ({ disordered }) => String(disordered)],
  ['gaps', gapsText],
  ['answers held', ({ answers }) => String(answers)],
  ['agent MB', ({ agentMb }) => String(agentMb)],
  ['server MB', ({ serverMb }) => String(serverMb)],
  ['fresh s', ({ freshSeconds }) => freshSeconds?.toFixed(1) ?? 'never'],
  ['whole s', ({ wholeSeconds }) => wholeSeconds?.toFixed(1) ?? 'never'],
]

/** The head of the table, as Markdown. */
export function tableHead(): string {
  return `${row(COLUMNS.map(([title]) => title))}\n${row(COLUMNS.map(() => '---'))}`
}

/** A fault's row, and what is wrong below it. */
export function tableRow(outcome: Outcome): string {
  return row(COLUMNS.map(([, cell]) => cell(outcome)))
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function gapsText({ gaps, untold, wrongGaps, wideGaps, doubts }: Outcome): string {
  if (untold + wrongGaps > 0) return `${gaps}, ${untold} lines untold, ${wrongGaps} wrong`
  if (gaps === 0) return '0'
  if (wideGaps > 0) return `${gaps}, ${wideGaps} too wide`
  return doubts === 0 ? `${gaps}, exact` : `${gaps}, ${doubts} in doubt`
}
