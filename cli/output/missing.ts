import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import type { ApiAnnotation, ApiGap } from '../../shared/api/record.ts'
import { annotationText, gapText, timeText } from './gap-text.ts'
import { harmless } from './harmless.ts'
import type { Look } from './printer.ts'

/** So many gaps, nodes and containers are told of one by one. */
const MAX_TOLD = 50
const MAX_NAMES = 5
/** Notes that are remembered, so that none is said twice when a connection comes again. */
const MAX_NOTED = 10_000
const EXIT_INCOMPLETE = 3

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
  readonly #noted = new Set<string>()

  constructor(isStrict: boolean, { colour, isPlainTerminal }: Pick<Look, 'colour' | 'isPlainTerminal'>) {
    this.#isStrict = isStrict
    this.#isDim = colour === 'always' || (colour === 'auto' && process.stderr.isTTY === true && !isPlainTerminal)
  }

  /** Says a gap, once: `-- web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at least 120 lines`. */
  gap(gap: ApiGap): void {
    const key = JSON.stringify([gap['container.id'] ?? gap['host.id'], gap.reason, gap.from])
    if (this.#told.has(key)) return
    if (this.#told.size < MAX_TOLD) this.#say(gapText(gap))
    else if (this.#told.size === MAX_TOLD) this.#say('further gaps are not shown; -o json has all of them')
    // What is told again is a nuisance, a set without bounds a leak.
    if (this.#told.size <= MAX_TOLD) this.#told.add(key)
  }

  /** Says what somebody noted, once: `-- note: anna on web.3, 10:02:11: deploy of 1.4.2`. */
  annotation(one: ApiAnnotation): void {
    if (this.#noted.has(one.id)) return
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear()
    this.#noted.add(one.id)
    this.#say(`note: ${annotationText(one)}`)
  }

  /** Says a verdict that is not complete. */
  verdict(completeness: ApiCompleteness): void {
    const text = verdictText(completeness)
    if (text === '') return
    this.#say(text)
    if (this.#isStrict) process.exitCode = EXIT_INCOMPLETE
  }

  /** Says why the answer is only a part, when it is. */
  stopped(reason: string | undefined): void {
    if (reason === undefined) return
    this.#say(`partial: ${reason}`)
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

/** What is missing, in words; '' when nothing is. */
export function verdictText({ verdict, nodes, gaps, unreadable }: ApiCompleteness): string {
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
