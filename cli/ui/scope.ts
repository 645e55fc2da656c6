/** What lines are looked at, but for the time. */
export interface Scope {
  readonly targets: readonly string[]
  readonly services: readonly string[]
  readonly nodes: readonly string[]
  readonly stacks: readonly string[]
  readonly containers: readonly string[]
  readonly source: string
  /** As in the query bar. */
  readonly query: string
  /** Events are looked at, not lines. */
  readonly events: boolean
}

/** All lines. */
export const EVERYTHING: Scope = {
  ...{ targets: [], services: [], nodes: [], stacks: [], containers: [] },
  ...{ source: '', query: '', events: false },
}

const LISTS = [
  ['targets', 'target'],
  ['services', 'service'],
  ['nodes', 'node'],
  ['stacks', 'stack'],
  ['containers', 'container'],
] as const
const TEXTS = [
  ['source', 'source'],
  ['query', 'q'],
] as const

/** A scope as parameters of the HTTP API. */
export function paramsOf(scope: Scope): URLSearchParams {
  const params = new URLSearchParams()
  for (const [key, name] of LISTS) for (const value of scope[key]) params.append(name, value)
  for (const [key, name] of TEXTS) if (scope[key] !== '') params.set(name, scope[key])
  if (scope.events) params.set('events', 'true')
  return params
}

/** The scope that parameters name; others are left alone. */
export function scopeOf(params: URLSearchParams): Scope {
  const lists = LISTS.map(([key, name]) => [key, params.getAll(name)])
  const texts = TEXTS.map(([key, name]) => [key, params.get(name) ?? ''])
  const events = params.get('events') === 'true'
  return { ...EVERYTHING, ...Object.fromEntries([...lists, ...texts]), events }
}

/** A scope in a few words: `web api on node1, "timeout"`; '' for everything. */
export function scopeText(scope: Scope): string {
  const { targets, services, nodes, stacks, containers, source, query, events } = scope
  const short = containers.map((id) => `container ${id.slice(0, 12)}`)
  const of = [...targets, ...services, ...stacks.map((name) => `stack ${name}`), ...short].join(' ')
  const on = nodes.length === 0 ? '' : `on ${nodes.join(' ')}`
  return [of, on, source, query, events ? 'events' : ''].filter((part) => part !== '').join(' | ')
}
