import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Unpackr } from 'msgpackr'
import { onTestFinished } from 'vitest'
import { Bell } from '../../../agent/bell.ts'
import { pack } from '../../../shared/forward/encode.ts'
import { freshSalt, keyDigest } from '../../../shared/forward/handshake.ts'

/** [tag, body, option] */
export type Frame = [string, unknown, { chunk: string; [key: string]: unknown }]

interface TestStore {
  readonly id: string
  readonly epoch: number
  readonly retentionMs?: number
}

export interface ReceiverOptions {
  readonly key?: string
  /** Key of its hello ack; undefined: it is a foreign receiver. */
  readonly store?: TestStore | undefined
  readonly tls?: TlsOptions
  /** What it does with a records or inventory frame; the default acks it. */
  readonly onFrame?: (socket: Socket, frame: Frame, receiver: Receiver) => void
  /** Says nothing at all. */
  readonly isMute?: boolean
  /** Welcomes everybody without knowing the key. */
  readonly liesInPong?: boolean
  readonly port?: number
}

/** A small real forward server whose acks a test scripts. */
export class Receiver {
  readonly frames: Frame[] = []
  readonly sockets = new Set<Socket>()
  readonly changed = new Bell()
  connections = 0
  store: TestStore | undefined
  readonly #server: Server
  readonly #options: ReceiverOptions

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.store = options.store
    const onSocket = (socket: Socket) => this.#serve(socket)
    this.#server = options.tls === undefined ? createServer(onSocket) : createTlsServer(options.tls, onSocket)
    this.#server.on('tlsClientError', () => {})
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Chunk ids of the records frames that came, in order. */
  get ids(): string[] {
    return this.frames.filter(([tag]) => tag === 'swarmlogs.records').map(([, , option]) => option.chunk)
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Resolves when the condition holds; asked at each frame and connection. */
  async until(condition: (receiver: Receiver) => boolean): Promise<void> {
    while (!condition(this)) await this.changed.wait()
  }

  /** Becomes a server with another store, as after a restart: its clients have to connect again. */
  moveTo(store: TestStore): void {
    this.store = store
    for (const socket of this.sockets) socket.end()
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    this.connections += 1
    this.changed.ring()
    this.sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket))
    if (this.#options.isMute) return
    const nonce = freshSalt()
    const { key } = this.#options
    if (key !== undefined) socket.write(pack(['HELO', { nonce, auth: '', keepalive: true }]))
    readFrames(socket, (frame) => {
      if (frame[0] !== 'PING') this.#take(socket, frame)
      else if (this.#options.liesInPong) socket.write(pack(['PONG', true, '', 'server', '0'.repeat(128)]))
      else socket.write(pong(frame as unknown as string[], nonce, key ?? ''))
    })
  }

  #take(socket: Socket, frame: Frame): void {
    const [tag, , { chunk }] = frame
    if (tag === 'swarmlogs.hello') {
      const swarmlogs = this.store && helloOf(this.store)
      socket.write(pack(swarmlogs === undefined ? { ack: chunk } : { ack: chunk, swarmlogs }))
      return
    }
    this.frames.push(frame)
    if (this.#options.onFrame === undefined) socket.write(ack(chunk))
    else this.#options.onFrame(socket, frame, this)
    this.changed.ring()
  }
}

function helloOf({ id, ...rest }: TestStore): object {
  return { format: 1, version: '1', store: id, ...rest }
}

/** Starts a receiver that ends with the test. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = new Receiver({ store: { id: 'A', epoch: 1 }, ...options })
  await receiver.listen()
  onTestFinished(() => receiver.close())
  return receiver
}

export function ack(chunk: string): Buffer {
  return pack({ ack: chunk })
}

function pong([, host = '', salt, digest]: readonly unknown[], nonce: Buffer, key: string): Buffer {
  const proof = { salt: Buffer.from(salt as Uint8Array), nonce, key }
  const isRight = digest === keyDigest({ ...proof, host: String(host) })
  if (!isRight) return pack(['PONG', false, 'shared key mismatch', '', ''])
  return pack(['PONG', true, '', 'server', keyDigest({ ...proof, host: 'server' })])
}

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

function readFrames(socket: Socket, onFrame: (frame: Frame) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data])
    let consumed = 0
    const frames: Frame[] = []
    try {
      unpackr.unpackMultiple(rest, (frame: Frame, _start?: number, end?: number) => {
        frames.push(frame)
        consumed = end ?? consumed
      })
    } catch (error) {
      if (!(error instanceof Error && 'incomplete' in error && error.incomplete)) socket.destroy()
    }
    rest = rest.subarray(consumed)
    for (const frame of frames) {
      if (isFrame(frame)) onFrame(frame)
      else socket.destroy()
    }
  })
}

/** Bytes of another protocol may be an array by chance. */
function isFrame(value: unknown): value is Frame {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[2] === 'object' && value[2] !== null
}
