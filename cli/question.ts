import { SwarmlogsError } from '../shared/errors.ts'
import { LEVELS } from '../shared/record.ts'
import { joinQueries } from './operands.ts'
import type { MatchFlags } from './output/matching.ts'

/** Flags of `tail`, `logs` and `search`, as commander hands them on. */
export type QuestionFlags = {
  readonly timestamps?: boolean
  readonly details?: boolean
  readonly raw?: boolean
  readonly resolve?: boolean
  readonly taskIds?: boolean
  readonly trunc?: boolean
  readonly since?: string
  readonly until?: string
  readonly tail?: string
  readonly node?: readonly string[]
  readonly stack?: readonly string[]
  readonly service?: readonly string[]
  readonly task?: readonly string[]
  readonly container?: readonly string[]
  readonly source?: string
  readonly grep?: string
  /** From an operand, not from a flag. */
  readonly q?: string
  readonly order?: string
  readonly current?: boolean
  readonly output?: string
  readonly strict?: boolean
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly highlight?: readonly string[]
  readonly context?: string
  readonly level?: string
  readonly slot?: readonly string[]
  readonly timezone?: string
  readonly reverse?: boolean
  readonly follow?: boolean
  readonly ordered?: boolean
  readonly events?: boolean
  readonly direct?: boolean
}

/** How the answer is wanted of the server: lines to print, or records. */
export type Form = 'text' | 'json'

/** What is asked of the server. */
export interface Question extends MatchFlags {
  readonly form: Form
  /** -o: text, raw, or one of those that are made of records. */
  readonly output: string
  /** Parameters of /api/v1/search and /api/v1/tail but for `n` and `per`. */
  readonly params: URLSearchParams
  /** -n; 'all' when it was given so, undefined when it was not given. */
  readonly count: number | 'all' | undefined
  /** Printed lines begin with service, task and node. */
  readonly hasPrefix: boolean
  readonly hasTime: boolean
  /** --timezone: the zone of times that are shown; undefined: they stay as they are. */
  readonly zone: string | undefined
  /** --context; 0: none. */
  readonly around: number
  readonly isOrdered: boolean
}

const OUTPUTS: readonly string[] = ['text', 'raw', 'json', 'logfmt', 'csv']
const LISTS = ['node', 'stack', 'service', 'task', 'container'] as const
const TEXTS = ['source', 'grep', 'q', 'since', 'until', 'order'] as const
/** Only these forms of time depend on where the asking machine is. */
const NEEDS_ZONE = /^\d{4}-|day$/i

/** Translates flags to the API's parameters; times go as they are, for the server's clock is the one that counts. Throws SWARMLOGS_USAGE. */
export function readQuestion(flags: QuestionFlags, targets: readonly string[]): Question {
  const { output = 'text' } = flags
  checkOutput(output)
  const isRaw = flags.raw === true || output === 'raw'
  const isText = output === 'text' || output === 'raw'
  const params = new URLSearchParams()
  for (const target of [...targets, ...(flags.slot ?? [])]) params.append('target', target)
  for (const name of LISTS) for (const value of flags[name] ?? []) params.append(name, value)
  for (const name of TEXTS) setText(params, name, flags[name])
  const zone = flags.timezone === 'local' ? localZone() : flags.timezone
  if ([flags.since, flags.until].some((time) => time !== undefined && NEEDS_ZONE.test(time)))
    params.set('timezone', zone ?? localZone())
  if (flags.current === true) params.set('current', 'true')
  if (flags.reverse === true) params.set('order', 'desc')
  if (flags.events === true) addEvents(params, flags)
  if (flags.reverse === true && flags.follow === true) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot follow lines with the newest first: leave out --reverse or -f')
  }
  if (isText) addPrintFlags(params, flags, isRaw)
  const count = flags.tail === undefined ? undefined : (parseCount(flags.tail) ?? 'all')
  const hasTime = isText && flags.timestamps === true
  const form = isText ? ('text' as const) : ('json' as const)
  const shown = { hasPrefix: isText && !isRaw, hasTime, zone, isOrdered: flags.ordered === true }
  return { form, output, params, count, ...shown, ...matchingOf(flags, params) }
}

/** Events are made by the server. */
function addEvents(params: URLSearchParams, { context, direct }: QuestionFlags): void {
  const other = direct === true ? '--direct' : context === undefined ? undefined : '--context'
  if (other !== undefined)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot show events with ${other}: leave out one of them`)
  params.set('events', 'true')
}

function checkOutput(output: string): void {
  if (OUTPUTS.includes(output) || output.includes('{{') || output.startsWith('template')) return
  const message = `cannot use '${output}' for --output: give text, json, raw, logfmt, csv or a template such as '{{.Service}} {{.Message}}'`
  throw new SwarmlogsError('SWARMLOGS_USAGE', message)
}

function readLevel(text: string): string {
  const level = LEVELS.find((one) => one === text.toLowerCase())
  if (level !== undefined) return level
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}' for --level: give one of ${LEVELS.join(', ')}`)
}

/**
 * -i, -e, --level, -H and --context. What is matched goes to the server as a query; but with --context it is matched here, for the server
 * would leave the lines around out.
 */
function matchingOf(flags: QuestionFlags, params: URLSearchParams): MatchFlags & { readonly around: number } {
  const { include = [], exclude = [], highlight = [], context = '0' } = flags
  if (!/^\d{1,4}$/.test(context)) {
    throw new SwarmlogsError(
      'SWARMLOGS_USAGE',
      `cannot use '${context}' for --context: give a count of lines such as 3`,
    )
  }
  const around = Number(context)
  if (around > 0) return { ...matchedHere(flags, params), highlight, around }
  const queries = [
    ...(flags.q === undefined ? [] : [flags.q]),
    ...(flags.level === undefined ? [] : [`level>=${readLevel(flags.level)}`]),
    ...(include.length === 0 ? [] : [include.map(regexText).join(' OR ')]),
    ...exclude.map((regex) => `-${regexText(regex)}`),
  ]
  if (queries.length > 0) params.set('q', joinQueries(queries))
  return { highlight: [...include, ...highlight], around }
}

/** A regex as the query language writes it. */
function regexText(source: string): string {
  return `/${source.replaceAll(/\\.|\//gsu, (part) => (part === '/' ? '\\/' : part))}/`
}

/** What is matched here: a word that is searched for is, a query cannot be. */
function matchedHere({ include = [], exclude = [], level, q }: QuestionFlags, params: URLSearchParams): MatchFlags {
  const isWord = q !== undefined && /^[\p{L}\p{N}_]+$/u.test(q)
  const text = params.get('grep') ?? (isWord ? q : null)
  if ((q !== undefined && !isWord) || level !== undefined) {
    const remedy = 'give the text by --grep or -i, or ask `swarmlogs context` for the surroundings of a line'
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use --context with a query: ${remedy}`)
  }
  if (text === null && include.length + exclude.length === 0) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot use --context by itself: say by --grep or -i around what')
  }
  params.delete('grep')
  params.delete('q')
  const literal = text === null ? [] : [`(?i)${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`]
  return { include: [...include, ...literal], exclude }
}

/** Reads -n: a count, or undefined for `all`; docker takes a negative count for all, too. Throws SWARMLOGS_USAGE. */
export function parseCount(text: string): number | undefined {
  // docker's flag parser takes -n=100 as well.
  const count = text.replace(/^=/, '')
  if (count === 'all' || /^-\d+$/.test(count)) return undefined
  if (/^\d{1,9}$/.test(count)) return Number(count)
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}' for --tail: give a count such as 100, or all`)
}

function setText(params: URLSearchParams, name: string, value: string | undefined): void {
  if (value === '')
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use an empty --${name}: give a value or leave it out`)
  if (value !== undefined) params.set(name, value)
}

function addPrintFlags(params: URLSearchParams, flags: QuestionFlags, isRaw: boolean): void {
  if (flags.timestamps === true) params.set('timestamps', 'true')
  if (flags.details === true) params.set('details', 'true')
  if (isRaw) params.set('raw', 'true')
  if (flags.resolve === false) params.set('resolve', 'false')
  if (flags.taskIds === false) params.set('taskids', 'false')
  if (flags.trunc === false) params.set('trunc', 'false')
}

/** The zone of this machine. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
