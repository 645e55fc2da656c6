import type { ServerResponse } from 'node:http'
import type { Source } from '../../shared/record.ts'
import { frame, stampOf } from './fake-engine.ts'

export interface FakeOptions {
  readonly name?: string
  readonly tty?: boolean
  readonly labels?: Record<string, string>
  readonly driver?: string
  readonly driverOptions?: Record<string, string>
  readonly running?: boolean
  /** As the engine writes it. */
  readonly created?: string
  readonly broken?: 'fails' | 'hangs' | undefined
}

/** A line as the container wrote it: what the agent must come to. */
export interface Written {
  readonly source: Source
  readonly seconds: number
  readonly nanos: number
  readonly message: string
}

interface Follower {
  readonly response: ServerResponse
  readonly isJson: boolean
  next: number
}

type Tell = (action: string, attributes: Record<string, string>) => bigint

const PART = 16 * 1024

/** A container of the fake engine: its log is a list of frames, of which the first can be rotated away. */
export class FakeContainer {
  readonly id: string
  readonly written: Written[] = []
  running: boolean
  exists = true
  /** The engine cannot inspect it: it says so, or never answers. */
  broken: FakeOptions['broken']
  /** Answers a request for the log in its own way; returns whether it did. */
  script: ((query: URLSearchParams, response: ServerResponse) => boolean) | undefined
  readonly #options: FakeOptions
  readonly #tell: Tell
  readonly #frames: Buffer[] = []
  readonly #followers = new Set<Follower>()
  #chunkBytes: number | undefined
  #rotated = 0
  #startedAt = 1_700_000_000_000_000_000n
  #clock = 1_700_000_000_000_000_000n

  constructor(id: string, options: FakeOptions, tell: Tell) {
    this.id = id
    this.#options = options
    this.#tell = tell
    this.running = options.running ?? true
    this.broken = options.broken
  }

  /** How many frames the log holds. */
  get frames(): number {
    return this.#frames.length - this.#rotated
  }

  /** Writes a line as Docker logs it: in parts of 16 KiB that carry its time; without newline when `end` is ''. */
  write(message: string, { source = 'stdout' as Source, time = this.tick(), end = '\n' } = {}): void {
    for (const part of this.begin(message, { source, time, end })) this.append(part)
  }

  /** The frames of a line, for tests that append them one by one. */
  begin(message: string, { source = 'stdout' as Source, time = this.tick(), end = '\n' } = {}): Buffer[] {
    const seconds = Number(time / 1_000_000_000n)
    const nanos = Number(time % 1_000_000_000n)
    this.written.push({ source, seconds, nanos, message })
    const bytes = Buffer.from(message)
    const parts: Buffer[] = []
    let at = 0
    for (; bytes.length - at >= PART; at += PART) parts.push(bytes.subarray(at, at + PART))
    if (at < bytes.length || end !== '') parts.push(Buffer.concat([bytes.subarray(at), Buffer.from(end)]))
    const stamp = stampOf(seconds, nanos)
    if (this.#options.tty) return parts.map((part) => Buffer.concat([Buffer.from(`${stamp} `), part]))
    return parts.map((part) => frame(source, stamp, part))
  }

  tick(by = 1000n): bigint {
    this.#clock += by
    return this.#clock
  }

  append(bytes: Buffer): void {
    this.#frames.push(bytes)
    for (const follower of this.#followers) this.#send(follower)
  }

  /** Throws away the first frames of the log. */
  rotate(count: number): void {
    this.#rotated = Math.min(this.#frames.length, this.#rotated + count)
  }

  start(): void {
    this.running = true
    this.#startedAt = this.#tell('start', { name: this.#options.name ?? 'app' })
  }

  die(): void {
    this.running = false
    this.#tell('die', {})
    this.endFollows()
  }

  /** Ends the responses that follow, as at the container's death. */
  endFollows(): void {
    for (const { response } of this.#followers) response.end()
    this.#followers.clear()
  }

  /** Breaks the connections that follow. */
  cut(): void {
    for (const { response } of this.#followers) response.destroy()
    this.#followers.clear()
  }

  kill(signal: string): void {
    this.#tell('kill', { signal })
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0
  }

  listed(): object {
    const { name = 'app' } = this.#options
    return { Id: this.id, Names: [`/${name}`], State: this.running ? 'running' : 'exited' }
  }

  inspected(): object {
    const { name = 'app', tty = false, labels = {}, driver = 'json-file', driverOptions = {}, created } = this.#options
    return {
      Id: this.id,
      ...(created && { Created: created }),
      Name: `/${name}`,
      Image: '',
      State: { Running: this.running, StartedAt: this.#started() },
      Config: { Tty: tty, Image: 'lab/app:1', Labels: labels, Env: ['SECRET=1'] },
      HostConfig: { LogConfig: { Type: driver, Config: driverOptions } },
    }
  }

  serveLogs(query: URLSearchParams, response: ServerResponse, chunkBytes: number | undefined): void {
    this.#chunkBytes = chunkBytes
    if (this.script?.(query, response)) return
    response.flushHeaders()
    const tail = query.get('tail')
    const count = tail === 'all' ? Number.POSITIVE_INFINITY : Number(tail)
    const isJson = query.get('format') === 'json'
    const follower = { response, isJson, next: Math.max(this.#rotated, this.#frames.length - count) }
    this.#send(follower)
    if (query.get('follow') !== '1' || !this.running) {
      response.end()
      return
    }
    this.#followers.add(follower)
    response.on('close', () => this.#followers.delete(follower))
  }

  #started(): string {
    return stampOf(Number(this.#startedAt / 1_000_000_000n), Number(this.#startedAt % 1_000_000_000n))
  }

  #send(follower: Follower): void {
    const frames = this.#frames.slice(follower.next)
    const bytes = Buffer.concat(follower.isJson ? frames.map((one) => this.#json(one)) : frames)
    follower.next = this.#frames.length
    const step = this.#chunkBytes ?? bytes.length
    for (let at = 0; at < bytes.length; at += step) follower.response.write(bytes.subarray(at, at + step))
  }

  /** The frame as engines of API 1.54 tell it with `format=json`. */
  #json(frame: Buffer): Buffer {
    const { tty } = this.#options
    const text = frame.toString('utf8', tty ? 0 : 8)
    const end = text.indexOf(' ')
    const record = {
      Line: text.slice(end + 1) || undefined,
      Source: !tty && frame[0] === 2 ? 'stderr' : 'stdout',
      Timestamp: text.slice(0, end).replace(/\.?0+Z$/, 'Z'),
    }
    return Buffer.from(`${JSON.stringify(record)}\n`)
  }
}
