import { SwarmlogsError } from '../shared/errors.ts'

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
}

/** How the answer is wanted: lines to print, or records. */
export type Form = 'text' | 'json'

/** What is asked of the server. */
export interface Question {
  readonly form: Form
  /** Parameters of /api/v1/search and /api/v1/tail but for `n` and `per`. */
  readonly params: URLSearchParams
  /** -n; 'all' when it was given so, undefined when it was not given. */
  readonly count: number | 'all' | undefined
  /** Printed lines begin with service, task and node. */
  readonly hasPrefix: boolean
  readonly hasTime: boolean
}

const LISTS = ['node', 'stack', 'service', 'task', 'container'] as const
const TEXTS = ['source', 'grep', 'q', 'since', 'until', 'order'] as const
/** Only these forms of time depend on where the asking machine is. */
const NEEDS_ZONE = /^\d{4}-|day$/i

/** Translates flags to the API's parameters; times go as they are, for the server's clock is the one that counts. Throws SWARMLOGS_USAGE. */
export function readQuestion(flags: QuestionFlags, targets: readonly string[]): Question {
  const { output = 'text' } = flags
  if (output !== 'text' && output !== 'json' && output !== 'raw') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${output}' for --output: give text, json or raw`)
  }
  const isRaw = flags.raw === true || output === 'raw'
  const params = new URLSearchParams()
  for (const target of targets) params.append('target', target)
  for (const name of LISTS) for (const value of flags[name] ?? []) params.append(name, value)
  for (const name of TEXTS) setText(params, name, flags[name])
  if ([flags.since, flags.until].some((time) => time !== undefined && NEEDS_ZONE.test(time)))
    params.set('timezone', localZone())
  if (flags.current === true) params.set('current', 'true')
  if (output !== 'json') addPrintFlags(params, flags, isRaw)
  const count = flags.tail === undefined ? undefined : (parseCount(flags.tail) ?? 'all')
  const form = output === 'json' ? 'json' : 'text'
  const isText = form === 'text'
  return { form, params, count, hasPrefix: isText && !isRaw, hasTime: isText && flags.timestamps === true }
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

function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
