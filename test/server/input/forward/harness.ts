import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { unpackMultiple } from 'msgpackr'
import { type Logger, pino } from 'pino'
import { expect } from 'vitest'
import { type ForwardListener, type ForwardOptions, startForward } from '../../../../server/input/forward/listener.ts'
import { eventTime, pack } from '../../../../shared/forward/encode.ts'
import { RecordingIngest, RecordingMetrics } from '../recorder.ts'

/** A listener on a free port of loopback that records, with what it logged. */
export interface TestListener extends ForwardListener {
  readonly ingest: RecordingIngest
  readonly metrics: RecordingMetrics
  readonly logged: Record<string, unknown>[]
}

/** Starts a listener that is closed with the test's own clean-up. */
export async function startListener(options: Partial<ForwardOptions> = {}): Promise<TestListener> {
  const ingest = new RecordingIngest()
  const metrics = new RecordingMetrics()
  const logged: Record<string, unknown>[] = []
  const listener = await startForward({
    listen: { host: '127.0.0.1', port: 0 },
    sharedKeys: () => [],
    ingest,
    identity: () => ({ id: 'a-store', epoch: 3 }),
    log: recordingLog(logged),
    metrics,
    ...options,
  })
  return { ...listener, ingest, metrics, logged }
}

function recordingLog(logged: Record<string, unknown>[]): Logger {
  return pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
}

/** Asks until the answer is as expected; the machine may be busy. */
export function eventually<T>(ask: () => T, interval = 10): ReturnType<typeof expect.poll<T>> {
  return expect.poll(ask, { timeout: 20_000, interval })
}

/** A raw client: writes bytes, collects what comes back as msgpack values. */
export class RawClient {
  readonly socket: Socket
  readonly closed: Promise<void>
  #received = Buffer.alloc(0)
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    socket.on('close', () => this.#wake?.())
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  get bytes(): Buffer {
    return this.#received
  }

  /** The whole values that have come so far. */
  get values(): unknown[] {
    try {
      return this.#received.length === 0 ? [] : (unpackMultiple(this.#received) as unknown[])
    } catch (error) {
      // The last value is not whole yet.
      return (error as { values: unknown[] }).values
    }
  }

  send(...parts: unknown[]): this {
    for (const part of parts) this.socket.write(Buffer.isBuffer(part) ? part : pack(part))
    return this
  }

  /** Resolves with the values when so many have come, or the connection is closed. */
  async receive(count: number): Promise<unknown[]> {
    while (this.values.length < count && !this.socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.values
  }
}

/** Raw bytes in the midst of what `frame` packs. */
export class Raw {
  readonly bytes: Buffer

  constructor(...bytes: (number | Buffer)[]) {
    this.bytes = Buffer.concat(bytes.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)))
  }
}

/** An EventTime to be put in a frame. */
export function at(seconds: number, nanos = 0): Raw {
  return new Raw(eventTime(seconds, nanos))
}

/** Packs a value that may hold `Raw` parts at any depth of arrays; arrays of less than 16 elements. */
export function frame(value: unknown): Buffer {
  if (value instanceof Raw) return value.bytes
  if (!Array.isArray(value)) return pack(value)
  if (value.length > 15)
    return Buffer.concat([Buffer.from([0xdc, value.length >> 8, value.length & 255]), ...value.map(frame)])
  return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(frame)])
}
