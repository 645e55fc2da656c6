import { bytesText } from './bytes.ts'
import { harmless } from './harmless.ts'

/** What a service printed in a window, and in the one before. */
export interface ServiceCounts {
  readonly service: string
  readonly lines: number
  readonly before: number
  readonly errors: number
  readonly errorsBefore: number
  /** undefined: the server cannot tell. */
  readonly bytes: { readonly count: number; readonly isExact: boolean } | undefined
}

const HEADING = ['SERVICE', 'LINES', 'LINES/S', 'CHANGE', 'ERRORS', 'CHANGE', 'BYTES']
/** What the table can be sorted by. */
export const SORTS = ['lines', 'errors', 'bytes', 'change'] as const
type Sort = (typeof SORTS)[number]
const MIN_NAME = 8

/** Whether the table can be sorted by this. */
export function isSort(text: string): text is Sort {
  return SORTS.some((sort) => sort === text)
}

/** Services in order, the first of them first. */
export function ranked(counts: readonly ServiceCounts[], sort: Sort): ServiceCounts[] {
  const keys = {
    lines: ({ lines }: ServiceCounts) => lines,
    errors: ({ errors }: ServiceCounts) => errors,
    bytes: ({ bytes }: ServiceCounts) => bytes?.count ?? 0,
    change: ({ lines, before }: ServiceCounts) => Math.abs(lines - before),
  }
  const key = keys[sort]
  return [...counts].sort((a, b) => key(b) - key(a) || b.lines - a.lines || (a.service < b.service ? -1 : 1))
}

/** The lines of a table of this width, and of at most this height. */
export function topTable(
  counts: readonly ServiceCounts[],
  { seconds, width, height }: { readonly seconds: number; readonly width: number; readonly height: number },
): string[] {
  const shown = counts.slice(0, Math.max(0, height - 2))
  const cells = shown.map(({ service, lines, before, errors, errorsBefore, bytes }) => [
    ...[harmless(service || '(none)'), String(lines), rateText(lines / seconds)],
    ...[changeText(lines, before), String(errors), changeText(errors, errorsBefore), sizeText(bytes)],
  ])
  const rows = [HEADING, ...cells]
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const others = widths.slice(1).reduce((sum, one) => sum + one + 2, 0)
  widths[0] = Math.min(widths[0] ?? 0, Math.max(MIN_NAME, width - others))
  const lines = rows.map((row) => row.map((cell, column) => cellText(cell, widths[column] ?? 0, column)).join('  '))
  const more = counts.length > shown.length ? [`and ${counts.length - shown.length} more`] : []
  return [...lines.map((line) => line.trimEnd().slice(0, width)), ...more]
}

function cellText(text: string, width: number, column: number): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
  return column === 0 ? cut.padEnd(width) : cut.padStart(width)
}

function rateText(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : rate.toFixed(0)
}

function sizeText(bytes: ServiceCounts['bytes']): string {
  return bytes === undefined ? '?' : `${bytes.isExact ? '' : '~'}${bytesText(bytes.count)}`
}

/** `+50 %`, `new`, `gone`; '' for no change. */
function changeText(now: number, before: number): string {
  if (now === before) return ''
  if (before === 0) return 'new'
  if (now === 0) return 'gone'
  const percent = Math.round((100 * (now - before)) / before)
  return `${percent > 0 ? '+' : ''}${percent} %`
}
