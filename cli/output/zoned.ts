import { offsetMs } from '../../shared/zone.ts'

/** Writes a time of ours (`2026-11-21T02:38:11.386458421Z`) as clocks in a zone show it: `2026-11-21T03:38:11.386458421+01:00`. */
export function zoned(time: string, zone: string): string {
  const ms = Date.parse(`${time.slice(0, 19)}Z`)
  if (Number.isNaN(ms)) return time
  const offset = offsetMs(ms, zone)
  const local = new Date(ms + offset).toISOString().slice(0, 19)
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${local}${time.slice(19, -1)}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
