import { distance } from 'fastest-levenshtein'
import type { LogStream } from '../../shared/record.ts'
import { globMatches } from './filter.ts'

/** What targets can mean: the streams of the catalog, and services that may not have printed anything yet. */
export interface Universe {
  readonly streams: readonly LogStream[]
  readonly services: readonly { readonly id: string; readonly name: string }[]
}

/** What a target stands for. */
export interface Target {
  readonly text: string
  /** `none`: there is nothing of this name yet. */
  readonly kind: 'service' | 'task' | 'none'
  /** The services that it stands for when their names are not the one given; else empty. */
  readonly widened: readonly string[]
  /** Whether a stream, also one that begins later, belongs to it. */
  readonly matches: (stream: LogStream) => boolean
}

type Names = ReadonlySet<string>

const ID = /^[0-9a-z]{25}$/
/** Shorter text is rather a name, mistyped or not there yet. */
const ID_PREFIX = /^[0-9a-z]{3,25}$/
/** `web.1`, and `web.1.lfap0icnqswi` as lines show it; read from the right, for names can hold dots. */
const TASK_NAME = /^(.+)\.(\d+)(?:\.([0-9a-z]{3,25}))?$/

/**
 * Finds what a target means: a service by name, a service or task by full id, a task by name, a glob, every service `*_NAME`,
 * then prefixes of ids. Names go before prefixes: `web` must not turn into one task whose id happens to begin so.
 */
export function resolveTarget(text: string, universe: Universe): Target {
  const names = serviceNames(universe)
  return (
    byServiceName(text, names) ??
    byId(text, universe, ID) ??
    byTaskName(text, universe) ??
    byGlob(text, names) ??
    byWidening(text, names) ??
    byId(text, universe, ID_PREFIX) ??
    byHope(text)
  )
}

/** Names of all services, sorted. */
export function serviceNames(universe: Universe): Names {
  const names = new Set(universe.services.map(({ name }) => name))
  for (const { service } of universe.streams) if (service !== '') names.add(service)
  return new Set([...names].sort())
}

/** Names like the one that was not found, the likest first. */
export function nearestNames(text: string, names: Names, count = 5): string[] {
  const wanted = text.toLowerCase().replace(/\.\d+$/, '')
  const rated = [...names].map((name) => ({ name, cost: unlikeness(wanted, name.toLowerCase()) }))
  const near = rated.filter(({ cost }) => cost < wanted.length && cost <= Math.max(2, Math.floor(wanted.length / 3)))
  near.sort((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1))
  return near.slice(0, count).map(({ name }) => name)
}

function unlikeness(wanted: string, name: string): number {
  if (wanted.length >= 3 && name.includes(wanted)) return 0
  return Math.min(distance(wanted, name), distance(wanted, name.slice(name.indexOf('_') + 1)))
}

function byServiceName(text: string, names: Names): Target | undefined {
  if (!names.has(text)) return undefined
  return { text, kind: 'service', widened: [], matches: (stream) => stream.service === text }
}

function byId(text: string, universe: Universe, form: RegExp): Target | undefined {
  if (!form.test(text)) return undefined
  const service = (stream: LogStream) => stream.serviceId.startsWith(text)
  if (universe.services.some(({ id }) => id.startsWith(text)) || universe.streams.some(service)) {
    return { text, kind: 'service', widened: [], matches: service }
  }
  const task = (stream: LogStream) => stream.taskId.startsWith(text)
  return universe.streams.some(task) ? { text, kind: 'task', widened: [], matches: task } : undefined
}

function byTaskName(text: string, universe: Universe): Target | undefined {
  const exact = { text, kind: 'task', widened: [], matches: taskNamed(text, false) } as const
  if (universe.streams.some(exact.matches)) return exact
  const matches = taskNamed(text, true)
  const found = new Set(universe.streams.filter(matches).map(({ service, slot }) => `${service}.${slot}`))
  return found.size === 0 ? undefined : { text, kind: 'task', widened: [...found].sort(), matches }
}

function taskNamed(text: string, isWidened: boolean): (stream: LogStream) => boolean {
  const [, service = '', slot = '', prefix = ''] = TASK_NAME.exec(text) ?? []
  const suffix = `_${service}`
  return (stream) => {
    if (stream.taskId === '') return false
    if (stream.taskName === text) return true
    if (service === '' || stream.slot !== Number(slot) || !stream.taskId.startsWith(prefix)) return false
    return stream.service === service || (isWidened && stream.service.endsWith(suffix))
  }
}

function byGlob(text: string, names: Names): Target | undefined {
  if (!/[*?]/.test(text)) return undefined
  const isFound = text === '*' || [...names].some((name) => globMatches(text, name))
  return isFound
    ? { text, kind: 'service', widened: [], matches: (stream) => globMatches(text, stream.service) }
    : undefined
}

function byWidening(text: string, names: Names): Target | undefined {
  const suffix = `_${text}`
  const widened = [...names].filter((name) => name.endsWith(suffix))
  if (widened.length === 0) return undefined
  return { text, kind: 'service', widened, matches: isNamed(text) }
}

/** A service that bears the name itself may come later: it is meant too. */
function isNamed(text: string): (stream: LogStream) => boolean {
  const suffix = `_${text}`
  return (stream) => stream.service === text || stream.service.endsWith(suffix)
}

/** What is not there yet can only be waited for by name or full id: a prefix could become anything's. */
function byHope(text: string): Target {
  const service = /[*?]/.test(text) ? (stream: LogStream) => globMatches(text, stream.service) : isNamed(text)
  const task = taskNamed(text, true)
  const isId = ID.test(text)
  const id = (stream: LogStream) => isId && (stream.serviceId === text || stream.taskId === text)
  return { text, kind: 'none', widened: [], matches: (stream) => service(stream) || task(stream) || id(stream) }
}
