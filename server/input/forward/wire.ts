import type { Socket } from 'node:net'

const LINGER_MS = 1000

/** A socket that is read chunk by chunk, no faster than the chunks are asked for, and that is closed without losing what was written. */
export class Wire {
  readonly socket: Socket
  readonly #closed: Promise<void>
  #isStopping = false
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => resolve())
    })
    for (const event of ['readable', 'end', 'close']) socket.on(event, () => this.#wake?.())
    // What happens on the wire ends the reading by `close`; senders come and go.
    socket.on('error', () => undefined)
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Yields what comes until the peer has closed its side, the socket is destroyed, or `stop`. */
  async *chunks(): AsyncGenerator<Buffer> {
    while (!this.#isStopping) {
      const chunk: Buffer | null = this.socket.read()
      if (chunk !== null) yield chunk
      else if (this.socket.readableEnded || this.socket.destroyed) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  /** Ends the reading. */
  stop(): void {
    this.#isStopping = true
    this.#wake?.()
  }

  /** Closes at once, both ways. */
  destroy(): void {
    this.stop()
    this.socket.destroy()
  }

  /** Closes our side, and reads on unheard until the peer has closed its own: closing both at once may cost it the last ack. */
  async end(): Promise<void> {
    const { socket } = this
    socket.removeAllListeners('readable')
    socket.end()
    socket.resume()
    const patience = setTimeout(() => socket.destroy(), LINGER_MS)
    if (!socket.destroyed) await this.#closed
    clearTimeout(patience)
  }
}
