import { connect, isIP } from 'node:net'
import { addAbortSignal, type Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { Chunked } from './chunked.ts'

/** Where an HTTP server is: a unix socket, or a host and port, with what TLS needs when it speaks that, or behind something that connects to it. */
export type HttpServer =
  | { readonly socketPath: string }
  | { readonly dial: () => Duplex }
  | { readonly host: string; readonly port: number; readonly tls?: Certificates | undefined }

/** Files of a Docker client, as bytes; what is left out Node has a default for. */
export interface Certificates {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

const MAX_HEAD_BYTES = 64 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const HEAD_END = '\r\n\r\n'

/**
 * The answer to a GET, over a connection of its own, which `destroy` or the end of the iteration closes. The bytes of its body are pulled
 * from the socket as they are iterated. Iterating throws when the connection ends before the answer does.
 */
export class Response implements AsyncIterable<Buffer> {
  readonly status: number
  readonly #socket: Duplex
  readonly #reads: AsyncIterator<Buffer>
  readonly #headers: ReadonlyMap<string, string>
  /** What came with the head. */
  #first: Buffer

  private constructor(socket: Duplex, reads: AsyncIterator<Buffer>, head: string, first: Buffer) {
    const [statusLine = '', ...headers] = head.split('\r\n')
    this.status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(statusLine)?.[1])
    if (Number.isNaN(this.status)) throw new Error(`it does not speak HTTP: ${JSON.stringify(statusLine.slice(0, 40))}`)
    this.#headers = new Map(headers.map((line) => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]))
    this.#socket = socket
    this.#reads = reads
    this.#first = first
  }

  /** Asks; resolves with the head of the answer, whatever its status. Aborting the signal ends the answer, too. */
  static async get(server: HttpServer, path: string, signal: AbortSignal): Promise<Response> {
    const socket = addAbortSignal(signal, connectTo(server))
    // Errors come out of the iteration; before and after it they must not be uncaught.
    socket.on('error', () => undefined)
    const host = 'host' in server ? `${server.host}:${server.port}` : 'docker'
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    try {
      return await Response.#read(socket)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  static async #read(socket: Duplex): Promise<Response> {
    const reads: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]()
    let bytes = Buffer.alloc(0)
    for (;;) {
      const end = bytes.indexOf(HEAD_END)
      if (end >= 0) {
        const [head, first] = [bytes.toString('latin1', 0, end), bytes.subarray(end + HEAD_END.length)]
        return new Response(socket, reads, head, first)
      }
      if (bytes.length > MAX_HEAD_BYTES) throw new Error('the head of its answer does not end')
      const next = await reads.next()
      if (next.done) throw new Error('it closed the connection without an answer')
      bytes = Buffer.concat([bytes, next.value])
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    const length = this.#headers.get('content-length')
    const isChunked = this.#headers.get('transfer-encoding')?.toLowerCase() === 'chunked'
    const chunked = isChunked ? new Chunked() : undefined
    let left = isChunked || length === undefined ? Number.POSITIVE_INFINITY : Number(length)
    try {
      for (let bytes: Buffer | undefined = this.#first; bytes !== undefined; bytes = await this.#next()) {
        const count = chunked ? chunked.decode(bytes) : Math.min(bytes.length, left)
        left -= count
        if (count > 0) yield bytes.subarray(0, count)
        if (chunked ? chunked.isDone : left === 0) return
      }
      if (chunked || Number.isFinite(left)) throw new Error('it closed the connection amid its answer')
    } finally {
      this.destroy()
    }
  }

  /** All of it, as text; for what is short. */
  async text(): Promise<string> {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of this) {
      pieces.push(piece)
      bytes += piece.length
      if (bytes > MAX_ERROR_BYTES) break
    }
    return Buffer.concat(pieces).toString()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #next(): Promise<Buffer | undefined> {
    const next = await this.#reads.next()
    return next.done ? undefined : next.value
  }
}

function connectTo(server: HttpServer): Duplex {
  if ('dial' in server) return server.dial()
  if ('socketPath' in server) return connect({ path: server.socketPath })
  const { host, port, tls } = server
  const address = { host, port, noDelay: true, keepAlive: true }
  if (tls === undefined) return connect(address)
  return connectTls({ ...address, ...tls, ...(isIP(host) ? {} : { servername: host }) })
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).toLowerCase()
}
