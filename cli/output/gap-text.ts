import type { ApiAnnotation, ApiGap } from '../../shared/api/record.ts'

const LOST: Readonly<Record<ApiGap['reason'], string>> = {
  rotated: 'lost, rotated away',
  removed: 'lost, the container was removed',
  damaged: 'lost, the file that has them is damaged',
  dropped: "dropped, the agent's spool was full",
  unreadable: 'not collected, its log driver cannot be read',
  clock: 'may be lost, the clock stepped',
  horizon: "not collected, older than the agent's horizon",
  store: 'lost with another store',
  state: 'may be lost, the agent had lost its state',
  refused: 'refused by the store, which put them aside',
  unwatched: 'may be lost with containers that came and went unseen',
  lossy: 'may be lost, its log driver drops lines when it is busy',
}

/** `web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at least 120 lines`. */
export function gapText(gap: ApiGap): string {
  const name = [nameOf(gap), gap['host.name']].filter(Boolean).join(' on ')
  return `${name || 'any container'}: ${rangeText(gap.from, gap.to)} ${LOST[gap.reason]}${countText(gap)}`
}

/** `anna on web.3, 10:02:11: deploy of 1.4.2`. */
export function annotationText(one: ApiAnnotation): string {
  const name = nameOf(one)
  return `${one.by}${name === '' ? '' : ` on ${name}`}, ${timeText(one.at)}: ${one.text}`
}

function nameOf(gap: Omit<ApiGap, 'from' | 'to' | 'reason' | 'at_least'>): string {
  const slot = gap['docker.swarm.task.slot']
  const service = gap['service.name']
  if (service !== undefined && slot !== undefined) return `${service}.${slot}`
  const isTask = gap['docker.swarm.task.id'] !== undefined
  return (isTask ? service : undefined) ?? gap['container.name'] ?? gap['container.id']?.slice(0, 12) ?? ''
}

/** Nothing is said where nothing is known. */
function countText({ at_least: least, at_most: most }: ApiGap): string {
  const lines = (count: number): string => `${count} line${count === 1 ? '' : 's'}`
  if (least === most) return `, ${lines(least)}`
  if (most !== undefined) return least === 0 ? `, at most ${lines(most)}` : `, ${least} to ${lines(most)}`
  return least === 0 ? '' : `, at least ${lines(least)}`
}

function rangeText(from: string, to: string): string {
  const [start, end] = [timeText(from), timeText(to)]
  // The same day is not said twice.
  return start === end
    ? start
    : `${start} to ${end.startsWith(start.slice(0, 11)) && end.length > 8 ? end.slice(11) : end}`
}

/** A time as the clock on the wall has it, with the day when that is not today. */
export function timeText(time: string): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return date.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`
}
