import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from './budget.ts'
import type { ForwardContext } from './context.ts'
import { Intake } from './intake.ts'
import { FRAME_BYTES, FRAME_MS, LOGIN_BYTES, LOGIN_MS, LOGIN_REFUSAL_MS, RETRY_MS } from './limits.ts'
import { Login } from './login.ts'
import { Outbox } from './outbox.ts'
import { Refusal } from './refusal.ts'
import { FrameScanner } from './scanner.ts'
import { Shipping } from './shipping.ts'

/** Partial frames up to this size are not accounted for: every connection may hold as much. */
const FREE_BYTES = 64 * 1024
const LINGER_MS = 1000

/** One sender's connection, from its first byte to its last ack. */
export class Connection {
  readonly #socket: Socket
  readonly #context: ForwardContext
  readonly #address: string
  readonly #onLogin: () => void
  readonly #account: Account
  readonly #outbox: Outbox
  readonly #scanner: FrameScanner
  readonly #openedAt = Date.now()
  readonly #abandoned = Promise.withResolvers<void>()
  #intake: Intake | undefined
  #isStopping = false
  #wake: (() => void) | undefined
  /** Bytes of a partial frame that the account holds. */
  #rawBytes = 0
  /** Since when the rest of a frame is awaited; 0 when none is. */
  #awaitedSince = 0

  /** @param onLogin called once the sender has shown that it knows a key, or at once where none is needed. */
  constructor(socket: Socket, context: ForwardContext, onLogin: () => void) {
    this.#socket = socket
    this.#context = context
    this.#address = socket.remoteAddress ?? 'unknown'
    this.#onLogin = onLogin
    this.#account = context.budget.open()
    this.#outbox = new Outbox(socket, () => this.#giveUp())
    this.#scanner = new FrameScanner(LOGIN_BYTES)
    for (const event of ['readable', 'end', 'close']) socket.on(event, () => this.#wake?.())
    // What happens on the wire ends the reading by `close`; senders come and go.
    socket.on('error', () => undefined)
  }

  /** Serves the sender; resolves when the connection is over and its records are stored or given up. */
  async run(): Promise<void> {
    try {
      await this.#serve()
    } catch (error) {
      this.#refuse(error)
    }
    this.#intake?.expire()
    await Promise.race([this.#outbox.settled(), this.#abandoned.promise])
    this.#account.close()
    await this.#end()
  }

  /** Stops reading; what was read is still stored and acked. */
  stop(): void {
    this.#isStopping = true
    this.#wake?.()
  }

  /** Gives up what is not stored yet. */
  abandon(): void {
    this.stop()
    this.#socket.destroy()
    this.#outbox.abandon()
    this.#account.close()
    this.#abandoned.resolve()
  }

  /** Ends the connection when a deadline has passed. Called about once a second. */
  tick(now: number): void {
    if (this.#isStopping) return
    this.#intake?.expire(now)
    if (this.#intake === undefined && now - this.#openedAt > LOGIN_MS)
      this.#refuse(
        new Refusal('login-timeout', 'cannot wait longer for a login; check that the sender has a shared key'),
      )
    else if (this.#awaitedSince > 0 && now - this.#awaitedSince > FRAME_MS)
      this.#refuse(new Refusal('frame-timeout', 'cannot wait longer for the rest of a frame; check the link'))
  }

  async #serve(): Promise<void> {
    const login = this.#context.sharedKeys().length === 0 ? undefined : new Login(this.#context.sharedKeys)
    const shipping = new Shipping(this.#context, this.#address, this.#account, this.#outbox)
    if (login === undefined) this.#admit(this.#address, shipping)
    else this.#socket.write(login.hello())
    for await (const chunk of this.#chunks()) {
      try {
        for (const frame of this.#scanner.push(chunk)) {
          this.#awaitedSince = 0
          const goesOn = await (this.#intake?.frame(frame) ?? this.#login(login, frame, shipping))
          if (!goesOn) return
        }
      } finally {
        // What came before a frame that is refused is whole.
        shipping.flush()
      }
      await this.#holdBack()
    }
  }

  async #login(login: Login | undefined, frame: Buffer, shipping: Shipping): Promise<boolean> {
    if (login === undefined) throw new Error('BUG: a login without a key to check')
    const { pong, host } = login.answer(frame)
    if (host !== undefined) {
      this.#admit(host, shipping)
      this.#socket.write(pong)
      return true
    }
    const refusal = new Refusal(
      'login',
      'cannot let a sender in whose shared key is none of ours; give it the right key',
    )
    this.#count(refusal)
    // Guessing costs time; with the bound on strangers this bounds its rate.
    await delay(LOGIN_REFUSAL_MS)
    this.#socket.write(pong)
    return false
  }

  #admit(sender: string, shipping: Shipping): void {
    this.#scanner.maxBytes = FRAME_BYTES
    const { context, address, account } = { context: this.#context, address: this.#address, account: this.#account }
    this.#intake = new Intake({ context, address, sender, account, shipping })
    this.#onLogin()
  }

  /** Before more is read: room on the way to the store, and memory for a large partial frame. */
  async #holdBack(): Promise<void> {
    const pending = this.#scanner.pendingBytes
    const wanted = pending > FREE_BYTES ? pending : 0
    const mustWait = this.#outbox.isFull || wanted > this.#rawBytes
    if (wanted < this.#rawBytes) this.#account.give(this.#rawBytes - wanted)
    else await this.#account.take(wanted - this.#rawBytes)
    this.#rawBytes = wanted
    await this.#outbox.room()
    if (pending === 0) this.#awaitedSince = 0
    else if (mustWait || this.#awaitedSince === 0) this.#awaitedSince = Date.now()
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const socket = this.#socket
    while (!this.#isStopping) {
      const chunk: Buffer | null = socket.read()
      if (chunk !== null) yield chunk
      else if (socket.readableEnded || socket.destroyed) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  /** Closes the server's side, and reads on unheard until the sender has the last ack: closing at once would reset the connection. */
  async #end(): Promise<void> {
    const socket = this.#socket
    socket.removeAllListeners('readable')
    socket.end()
    socket.resume()
    const patience = setTimeout(() => socket.destroy(), LINGER_MS)
    if (!socket.destroyed) await Promise.race([once(socket, 'close'), this.#abandoned.promise])
    clearTimeout(patience)
  }

  #refuse(error: unknown): void {
    if (error instanceof Refusal) this.#count(error)
    else this.#context.log.error({ err: error, address: this.#address }, 'forward connection failed')
    this.#isStopping = true
    this.#socket.destroy()
  }

  #count(refusal: Refusal): void {
    this.#context.metrics.rejected(refusal.reason, 1)
    this.#context.complaints.complain(this.#address, refusal.reason, refusal.message)
  }

  /** Records could not be stored and so are not acked: after a pause the sender may try again on a new connection. */
  #giveUp(): void {
    this.stop()
    setTimeout(() => this.#socket.destroy(), RETRY_MS).unref()
  }
}
