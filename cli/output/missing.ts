import type { ApiCompleteness, ApiGap } from '../../shared/api.ts'
import { harmless } from './harmless.ts'
import type { Look } from './printer.ts'

/** So many gaps, nodes and containers are told of one by one. */
const MAX_TOLD = 50
const MAX_NAMES = 5
const EXIT_INCOMPLETE = 3

const LOST: Readonly<Record<ApiGap['reason'], string>> = {
  rotated: 'lost, rotated away',
  removed: 'lost, the container was removed',
  damaged: 'lost, the log file is damaged',
  dropped: "dropped, the agent's spool was full",
  unreadable: 'not collected, its log driver cannot be read',
  clock: 'may be lost, the clock stepped',
  horizon: "not collected, older than the agent's horizon",
  store: 'lost with another store',
  lossy: 'may be lost, its log driver drops lines when it is busy',
}

const LATE: Readonly<Record<ApiCompleteness['nodes'][number]['reason'], string>> = {
  down: 'is down',
  gone: 'has left the Swarm',
  no_agent: 'has no agent',
  no_report: 'has an agent that does not report',
  not_connected: 'its agent is not connected',
  engine: 'its engine does not answer',
  spool: "its agent's spool waits",
  lagging: 'lags behind',
}

/** Says on stderr what is missing from an answer. With `isStrict`, an answer that is not complete makes the exit code 3. */
export class MissingNotes {
  readonly #isStrict: boolean
  readonly #isDim: boolean
  readonly #told = new Set<string>()

  constructor(isStrict: boolean, { colour, isPlainTerminal }: Pick<Look, 'colour' | 'isPlainTerminal'>) {
    this.#isStrict = isStrict
    this.#isDim = colour === 'always' || (colour === 'auto' && process.stderr.isTTY === true && !isPlainTerminal)
  }

  /** Says a gap, once: `-- web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at least 120 lines`. */
  gap(gap: ApiGap): void {
    const key = JSON.stringify([gap['container.id'], gap.reason, gap.from])
    if (this.#told.has(key)) return
    if (this.#told.size < MAX_TOLD) this.#say(gapText(gap))
    else if (this.#told.size === MAX_TOLD) this.#say('further gaps are not shown; -o json has all of them')
    // What is told again is a nuisance, a set without bounds a leak.
    if (this.#told.size <= MAX_TOLD) this.#told.add(key)
  }

  /** Says a verdict that is not complete. */
  verdict(completeness: ApiCompleteness): void {
    const text = verdictText(completeness)
    if (text === '') return
    this.#say(text)
    if (this.#isStrict) process.exitCode = EXIT_INCOMPLETE
  }

  /** Says that a verdict has changed while lines come in. */
  changed(completeness: ApiCompleteness): void {
    const text = verdictText(completeness)
    this.#say(text === '' ? 'complete: the lines of all nodes come in' : text)
  }

  #say(text: string): void {
    const line = `-- ${harmless(text)}`
    process.stderr.write(this.#isDim ? `\x1b[2m${line}\x1b[0m\n` : `${line}\n`)
  }
}

function gapText(gap: ApiGap): string {
  const node = gap['host.name'] === undefined ? '' : ` on ${gap['host.name']}`
  return `${nameOf(gap)}${node}: ${rangeText(gap.from, gap.to)} ${LOST[gap.reason]}${countText(gap)}`
}

function nameOf(gap: ApiGap): string {
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

function verdictText({ verdict, nodes, gaps, unreadable }: ApiCompleteness): string {
  if (verdict === 'complete') return ''
  if (verdict === 'unknown') return 'membership unknown: no agent tells which nodes there are, so lines may be missing'
  const late = nodes.map(({ name, id, reason, up_to }) => {
    return `${name || id} ${LATE[reason]}${up_to === undefined ? '' : `, here up to ${timeText(up_to)}`}`
  })
  const parts = [
    ...shortened(late, 'nodes'),
    ...shortened(
      unreadable.map((one) => `${one['service.name']} on ${one['host.name']} cannot be read`),
      'containers',
    ),
    ...(gaps > 0 ? [`${gaps} gap${gaps === 1 ? '' : 's'}`] : []),
  ]
  return parts.length === 0 ? 'not complete' : `not complete: ${parts.join('; ')}`
}

function shortened(texts: readonly string[], what: string): string[] {
  if (texts.length <= MAX_NAMES) return [...texts]
  return [...texts.slice(0, MAX_NAMES), `and ${texts.length - MAX_NAMES} more ${what}`]
}

function rangeText(from: string, to: string): string {
  const [start, end] = [timeText(from), timeText(to)]
  // The same day is not said twice.
  return start === end
    ? start
    : `${start} to ${end.startsWith(start.slice(0, 11)) && end.length > 8 ? end.slice(11) : end}`
}

/** A time as the clock on the wall has it, with the day when that is not today. */
function timeText(time: string): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return date.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`
}
