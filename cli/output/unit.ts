import type { Flags } from '../../shared/settings.ts'

/** What is counted: lines, or with --events events. */
export function unitOf({ events }: Flags): 'line' | 'event' {
  return events === true ? 'event' : 'line'
}

/** The heading of a column of counts. */
export function countHeading(flags: Flags): string {
  return `${unitOf(flags).toUpperCase()}S`
}
