import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Source } from '../../shared/record.ts'
import { FakeContainer, type FakeOptions } from './fake-container.ts'

/** A scripted Docker engine on a unix socket, for what a real one cannot be made to do. */
export class FakeEngine {
  /** Bytes of each write of a log response; undefined: a frame each. */
  chunkBytes: number | undefined
  apiVersion = '1.41'
  info: Record<string, unknown> = { ID: 'ENGINE', Name: 'fake', Swarm: { NodeID: '' } }
  /** Answers of a manager: nodes, services, tasks. */
  readonly swarm: Record<string, unknown> = {}
  /** Path and query of every request. */
  readonly requests: string[] = []
  /** Events are told once this has come. */
  replay: Promise<void> = Promise.resolve()
  readonly #folder: string
  readonly #containers = new Map<string, FakeContainer>()
  readonly #events: { readonly time: bigint; readonly event: string }[] = []
  readonly #listeners = new Set<ServerResponse>()
  #server: Server | undefined
  #made = 0
  #passed = 0n
  #forgotten = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine(await mkdtemp(join(tmpdir(), 'fake-engine-')))
    await engine.listen()
    return engine
  }

  get host(): string {
    return `unix://${join(this.#folder, 'docker.sock')}`
  }

  /** Answers again after `crash`. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response))
    this.#server = server
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(join(this.#folder, 'docker.sock'), resolve)
    await promise
  }

  /** Breaks all connections and answers no more. */
  async crash(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server?.close(() => resolve())
    this.#server?.closeAllConnections()
    this.#listeners.clear()
    await promise
  }

  async close(): Promise<void> {
    await this.crash()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Makes a container that runs, unless told otherwise. */
  container(options: FakeOptions = {}): FakeContainer {
    this.#made += 1
    const id = this.#made.toString(16).padStart(64, 'c')
    const container = new FakeContainer(id, options, (action, attributes) => this.#tell(id, action, attributes))
    this.#containers.set(id, container)
    this.#tell(id, 'create', { name: options.name ?? 'app' })
    if (container.running) container.start()
    return container
  }

  /** Ends the answers to whoever listens to events. */
  endEvents(): void {
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }

  /** Tells of a change in the Swarm. */
  change(Type: 'service' | 'node'): void {
    for (const listener of this.#listeners)
      listener.write(`${JSON.stringify({ Type, Action: 'update', Actor: { ID: 'x' } })}\n`)
  }

  /** The next event comes so much later. */
  pass(nanos: bigint): void {
    this.#passed += nanos
  }

  /** The time of the newest event. */
  get now(): bigint {
    return this.#events.at(-1)?.time ?? 0n
  }

  remove(container: FakeContainer): void {
    this.#containers.delete(container.id)
    this.#tell(container.id, 'destroy', {})
    container.endFollows()
  }

  #tell(id: string, Action: string, Attributes: Record<string, string>): bigint {
    const timeNano = Number((this.#events.at(-1)?.time ?? 1_700_000_000_000_000_000n) + this.#passed + 1024n)
    this.#passed = 0n
    const event = JSON.stringify({ Type: 'container', Action, Actor: { ID: id, Attributes }, timeNano })
    this.#events.push({ time: BigInt(timeNano), event })
    for (const listener of this.#listeners) listener.write(`${event}\n`)
    return BigInt(timeNano)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://docker')
    this.requests.push(url.pathname + url.search)
    const path = url.pathname.replace(/^\/v\d+\.\d+/, '')
    const [, id = '', what = ''] = /^\/containers\/([^/]+)\/(\w+)$/.exec(path) ?? []
    const container = this.#containers.get(id)
    if (path === '/version') json(response, { ApiVersion: this.apiVersion, Version: 'fake' })
    else if (path === '/info') json(response, this.info)
    else if (path === '/events') this.#listen(response, url.searchParams)
    else if (path === '/containers/json')
      json(
        response,
        [...this.#containers.values()].map((one) => one.listed()),
      )
    else if (this.swarm[path.slice(1)]) json(response, this.swarm[path.slice(1)])
    else if (!container) json(response, { message: `No such container: ${id}` }, 404)
    else if (what === 'json' && container.broken === 'hangs') return
    else if (what === 'json' && container.broken) json(response, { message: 'RWLayer is unexpectedly nil' }, 500)
    else if (what === 'json') json(response, container.inspected())
    else container.serveLogs(url.searchParams, response, this.chunkBytes)
  }

  /** As after a restart. */
  forgetEvents(): void {
    this.#forgotten = this.#events.length
  }

  /** What it still holds first, as the real one: the last 256; no more than that with `until`. */
  #listen(response: ServerResponse, query: URLSearchParams): void {
    response.flushHeaders()
    const since = query.get('since')
    const from = since === null ? undefined : BigInt(since.replace('.', ''))
    void this.replay.then(() => {
      const held = this.#events.slice(Math.max(this.#forgotten, this.#events.length - 256))
      for (const { time, event } of held) if (from !== undefined && time >= from) response.write(`${event}\n`)
      if (query.has('until')) response.end()
      else this.#listeners.add(response)
    })
    response.on('close', () => this.#listeners.delete(response))
  }
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

/** A frame as Docker sends it: header, timestamp, message. */
export function frame(source: Source | 'error', stamp: string, message: string | Buffer): Buffer {
  const payload = Buffer.concat([Buffer.from(stamp === '' ? '' : `${stamp} `), Buffer.from(message)])
  const header = Buffer.alloc(8)
  header[0] = { stdout: 1, stderr: 2, error: 3 }[source]
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** A timestamp as Docker writes it. */
export function stampOf(seconds: number, nanos: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`
}
