import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Discovery } from './discovery.ts'
import type { AgentStatus } from './status.ts'
import { inspectTarget, type ListedContainer, listContainers, readNode, targetOfEvent } from './tail/containers.ts'
import type { Engine } from './tail/engine.ts'
import { type ContainerEvent, containerEvents } from './tail/events.ts'
import { heldEvents, type Watched } from './tail/held-events.ts'
import { Slots } from './tail/slots.ts'
import type { Target } from './target.ts'

export interface DiscoverOptions {
  readonly engine: Engine
  readonly log: Logger
  readonly status: AgentStatus
  readonly signal: AbortSignal
  readonly tell: (discovery: Discovery) => void
  /** What happened behind this time is learnt from events too, as far as the engine holds them. */
  readonly since?: Watched | undefined
  /** Time between two lists; 30 s. */
  readonly relistMs?: number
}

const RELIST_MS = 30_000
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000
const INSPECTIONS = 16

/**
 * Finds containers until the signal aborts: by a list, then by events, and by a list again every 30 s and whenever the events
 * had to be asked for anew, because the engine keeps few events and drops listeners that are slow. Survives the engine.
 */
export async function discover(options: DiscoverOptions): Promise<void> {
  const { signal } = options
  let failures = 0
  let since = options.since
  while (!signal.aborted) {
    const watch = new Watch(options, since)
    try {
      await watch.run(() => {
        failures = 0
        report(options)
      })
    } catch (error) {
      if (!signal.aborted) report(options, error)
    }
    since = watch.seen
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
    failures += 1
    await sleep(delay, undefined, { signal }).catch(() => undefined)
  }
}

/** Logs a change, not each try. */
function report({ engine, log, status }: DiscoverOptions, error?: unknown): void {
  const state = error === undefined ? 'reachable' : String(error)
  if (state === status.engine) return
  status.engine = state
  const docker = engine.host
  if (error === undefined) log.info({ docker, api: engine.version }, 'docker engine is reachable')
  else log.warn({ docker, err: error }, 'docker engine is not reachable, trying again')
}

/** A container by its id and by its name, for messages. */
type Named = Pick<ListedContainer, 'id' | 'name'>

/** One connection's view of the engine. */
class Watch {
  readonly #options: DiscoverOptions
  readonly #inspections = new Slots(INSPECTIONS)
  /** What is known of each container, by id; a promise while it is being inspected. */
  readonly #known = new Map<string, Promise<Target | undefined>>()
  readonly #states = new Map<string, string>()
  /** Containers that could not be inspected the last time; each is reported once, and tried again by the next list. */
  readonly #troubled = new Set<string>()
  /** When containers were started, by their events. */
  readonly #startedAt = new Map<string, bigint>()
  #node = ''
  /** Up to the newest event: what lived and died while nobody listened is learnt from those behind it. */
  seen: Watched | undefined

  constructor(options: DiscoverOptions, seen: Watched | undefined) {
    this.#options = options
    this.seen = seen
  }

  /** Runs until the events end, which throws. */
  async run(onReady: () => void): Promise<void> {
    const { engine, signal } = this.#options
    await engine.negotiate(signal)
    const stop = new AbortController()
    const events = await containerEvents(engine, AbortSignal.any([signal, stop.signal]), this.seen?.upTo)
    try {
      // The list comes after the events have begun: no container falls between them.
      await this.#listFirst()
      onReady()
      const relist = this.#relist(stop)
      for await (const event of events) this.#handle(event)
      stop.abort()
      await relist
      throw new SwarmlogsError(
        'SWARMLOGS_DOCKER_UNAVAILABLE',
        'cannot read on in the events of the Docker engine: they ended',
      )
    } finally {
      stop.abort()
    }
  }

  /** What is known is not all before it is known what was missed. */
  async #listFirst(): Promise<void> {
    const { engine, signal, status, tell } = this.#options
    status.inspecting += 1
    try {
      await this.#list()
      const { upTo = 0n, hadEvents = false } = this.seen ?? {}
      const held = await heldEvents(engine, { upTo, hadEvents }, signal)
      status.hasEvents = held?.isAny ?? false
      if (held?.hole && this.seen) tell({ kind: 'unwatched', ...held.hole })
      // Who listened until the events ended has missed nothing by the engine's end.
      if (this.seen) this.seen = { upTo, hadEvents: false }
    } finally {
      status.inspecting -= 1
    }
  }

  /** Lists every 30 s; a failure ends the events too. */
  async #relist(stop: AbortController): Promise<void> {
    const signal = AbortSignal.any([this.#options.signal, stop.signal])
    const { relistMs = RELIST_MS } = this.#options
    try {
      for (;;) {
        await sleep(relistMs, undefined, { signal, ref: false })
        await this.#list()
      }
    } catch (error) {
      stop.abort(error)
    }
  }

  async #list(): Promise<void> {
    const { engine, signal, status, tell } = this.#options
    const node = await readNode(engine, signal)
    if (JSON.stringify(node) !== this.#node) tell({ kind: 'node', node })
    this.#node = JSON.stringify(node)
    const listed = await listContainers(engine, signal)
    const ids = new Set(listed.map(({ id }) => id))
    for (const id of status.unreadableContainers.keys()) if (!ids.has(id)) status.unreadableContainers.delete(id)
    for (const id of [...this.#known.keys(), ...this.#troubled]) if (!ids.has(id)) this.#forget(id)
    tell({ kind: 'listed', ids })
    // One that takes long to inspect holds up neither the events nor the next list.
    for (const container of listed) this.#compare(container)
  }

  /** Tells a container that is new, or in another state than the list before showed. */
  #compare({ id, name, state }: ListedContainer): void {
    if (this.#states.get(id) === state && this.#known.has(id)) return
    this.#states.set(id, state)
    void this.#inspect({ id, name }, false)
  }

  #forget(id: string): void {
    this.#known.delete(id)
    this.#states.delete(id)
    this.#troubled.delete(id)
    this.#startedAt.delete(id)
  }

  #handle(event: ContainerEvent): void {
    const { id, action, signal } = event
    const { status, tell } = this.#options
    this.seen = { upTo: event.time, hadEvents: false }
    status.hasEvents = true
    if (action === 'create') void this.#inspect(event, true)
    else if (action === 'start') void this.#started(event)
    else if (action === 'die') tell({ kind: 'died', id })
    else if (action === 'kill') tell({ kind: 'killed', id, signal, time: event.time })
    else if (action === 'destroy') this.#destroyed(event)
    if (action === 'start') this.#states.set(id, 'running')
    if (action === 'start') this.#startedAt.set(id, event.time)
    if (action === 'die') this.#states.set(id, 'exited')
  }

  #destroyed(event: ContainerEvent): void {
    const { id } = event
    const [known, startedAt] = [this.#known.get(id), this.#startedAt.get(id)]
    this.#forget(id)
    if (startedAt !== undefined) void this.#mourn(event, startedAt, known)
  }

  async #mourn(
    event: ContainerEvent,
    startedAt: bigint,
    known: Promise<Target | undefined> | undefined,
  ): Promise<void> {
    if (await known) return
    this.#options.tell({ kind: 'vanished', target: targetOfEvent(event, startedAt) })
  }

  /** A container that was seen being created needs no second inspection: it may be gone before that is answered. */
  async #started(container: Named): Promise<void> {
    const known = await this.#known.get(container.id)
    if (known?.fresh && !known.started)
      this.#options.tell({ kind: 'target', target: { ...known, running: true, started: true } })
    else await this.#inspect(container, false)
  }

  /** Inspects and tells a container. One that is gone by then, or cannot be inspected, is not told, and is new to the next list. */
  async #inspect(container: Named, fresh: boolean): Promise<void> {
    const { id } = container
    const { status, tell } = this.#options
    status.inspecting += 1
    const target = this.#ask(id, fresh).catch((error: unknown) => this.#complain(container, error))
    this.#known.set(id, target)
    const found = await target
    status.inspecting -= 1
    if (found) {
      this.#troubled.delete(id)
      status.unreadableContainers.delete(id)
      tell({ kind: 'target', target: found })
    } else if (this.#known.get(id) === target) this.#known.delete(id)
  }

  /** The engine fails for single containers whose files are damaged: that must not keep the others from being found. */
  #complain({ id, name }: Named, error: unknown): undefined {
    const { log, status, signal } = this.#options
    if (signal.aborted || this.#troubled.has(id)) return
    this.#troubled.add(id)
    status.unreadableContainers.set(id, { service: name, reason: 'the engine cannot inspect it' })
    log.warn({ container: id, name, err: error }, 'cannot inspect a container, trying again at the next list')
  }

  async #ask(id: string, fresh: boolean): Promise<Target | undefined> {
    const { engine, signal } = this.#options
    const release = await this.#inspections.acquire(signal)
    try {
      return await inspectTarget(engine, id, fresh, signal)
    } catch (error) {
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND') return undefined
      throw error
    } finally {
      release()
    }
  }
}
