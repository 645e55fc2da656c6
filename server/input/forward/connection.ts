import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from './budget.ts'
import type { ForwardContext } from './context.ts'
import { Intake } from './intake.ts'
import { FRAME_BYTES, FRAME_MS, LOGIN_BYTES, LOGIN_MS, LOGIN_REFUSAL_MS, RETRY_MS } from './limits.ts'
import { Login, refusingPong } from './login.ts'
import { Outbox } from './outbox.ts'
import { Refusal } from './refusal.ts'
import { FrameScanner } from './scanner.ts'
import { Shipping } from './shipping.ts'
import { Wire } from './wire.ts'

/** Partial frames up to this size are not accounted for: every connection may hold as much. */
const FREE_BYTES = 64 * 1024

/** One sender's connection, from its first byte to its last ack. */
export class Connection {
  readonly #wire: Wire
  readonly #context: ForwardContext
  readonly address: string
  readonly #admit: (name: string | undefined) => boolean
  readonly #account: Account
  readonly #outbox: Outbox
  readonly #scanner: FrameScanner
  readonly #openedAt = Date.now()
  readonly #abandoned = Promise.withResolvers<void>()
  #intake: Intake | undefined
  #hasFailed = false
  /** Bytes of a partial frame that the account holds. */
  #rawBytes = 0
  /** Since when the rest of a frame is awaited; 0 when none is. */
  #awaitedSince = 0
  #activeAt = this.#openedAt

  /** @param admit asked once the sender has shown that it knows a key and named itself, or at once where none is needed; false: it is too much. */
  constructor(socket: Socket, context: ForwardContext, admit: (name: string | undefined) => boolean) {
    this.#wire = new Wire(socket)
    this.#context = context
    this.address = socket.remoteAddress ?? 'unknown'
    this.#admit = admit
    this.#account = context.budget.open()
    this.#outbox = new Outbox(socket, () => this.#fail())
    this.#scanner = new FrameScanner(LOGIN_BYTES)
  }

  /** It was let in, and is read from. */
  get isOpen(): boolean {
    return this.#intake !== undefined && !this.#wire.isStopping
  }

  /** When something was last read from it, ms. */
  get activeAt(): number {
    return this.#activeAt
  }

  /** Serves the sender; resolves when the connection is over and its records are stored or given up. */
  async run(): Promise<void> {
    try {
      await this.#serve()
    } catch (error) {
      this.#refuse(error)
    }
    this.#intake?.expire()
    this.#intake?.leave()
    await Promise.race([this.#outbox.settled(), this.#abandoned.promise])
    this.#account.close()
    // The sender is to try again on a new connection, though not at once.
    if (this.#hasFailed) await Promise.race([delay(RETRY_MS, undefined, { ref: false }), this.#abandoned.promise])
    await this.#wire.end()
  }

  /** Stops reading; what was read is still stored and acked. */
  stop(): void {
    this.#wire.stop()
  }

  /** Gives up what is not stored yet. */
  abandon(): void {
    this.#wire.destroy()
    this.#outbox.abandon()
    this.#account.close()
    this.#abandoned.resolve()
  }

  /** Ends the connection when a deadline has passed, or the sender must learn of another store. Called about once a second. */
  tick(now: number): void {
    if (this.#wire.isStopping) return
    this.#intake?.expire(now)
    if (this.#intake?.isOutdated) this.stop()
    else if (this.#intake === undefined && now - this.#openedAt > LOGIN_MS)
      this.#refuse(
        new Refusal('login-timeout', 'cannot wait longer for a login; check that the sender has a shared key'),
      )
    else if (this.#awaitedSince > 0 && now - this.#awaitedSince > FRAME_MS)
      this.#refuse(new Refusal('frame-timeout', 'cannot wait longer for the rest of a frame; check the link'))
  }

  async #serve(): Promise<void> {
    const login = this.#context.sharedKeys().length === 0 ? undefined : new Login(this.#context.sharedKeys)
    const shipping = new Shipping(this.#context, this.address, this.#account, this.#outbox)
    if (login === undefined) this.#letIn(undefined, shipping)
    else this.#wire.socket.write(login.hello())
    for await (const chunk of this.#wire.chunks()) {
      this.#activeAt = Date.now()
      try {
        for (const frame of this.#scanner.push(chunk)) {
          this.#awaitedSince = 0
          const goesOn = await (this.#intake?.frame(frame) ?? this.#login(login, frame, shipping))
          if (!goesOn) return
          if (this.#outbox.isFull) await this.#outbox.room()
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
    if (host === undefined) {
      const wrongKey = 'cannot let a sender in whose shared key is none of ours; give it the right key'
      return this.#turnAway(new Refusal('login', wrongKey), pong)
    }
    if (!this.#letIn(host, shipping)) {
      const reason = `too many connections of ${host}`
      const remedy = 'let it close what it does not use, or give each sender a host name of its own'
      return this.#turnAway(new Refusal('connections', `cannot serve ${reason}; ${remedy}`), refusingPong(reason))
    }
    this.#wire.socket.write(pong)
    return true
  }

  async #turnAway(refusal: Refusal, pong: Buffer): Promise<false> {
    this.#count(refusal)
    // Guessing costs time; with the bound on strangers this bounds its rate.
    await delay(LOGIN_REFUSAL_MS)
    this.#wire.socket.write(pong)
    return false
  }

  #letIn(name: string | undefined, shipping: Shipping): boolean {
    if (!this.#admit(name)) return false
    this.#scanner.maxBytes = FRAME_BYTES
    const common = { context: this.#context, address: this.address, account: this.#account }
    this.#intake = new Intake({ ...common, sender: name ?? this.address, shipping })
    return true
  }

  /** Before more is read: memory for a large partial frame, and room on the way to the store. That time is not the sender's. */
  async #holdBack(): Promise<void> {
    const pending = this.#scanner.pendingBytes
    const wanted = pending > FREE_BYTES ? pending : 0
    const since = this.#awaitedSince
    const heldFrom = Date.now()
    this.#awaitedSince = 0
    if (wanted > this.#rawBytes) await this.#account.take(wanted - this.#rawBytes)
    else this.#account.give(this.#rawBytes - wanted)
    this.#rawBytes = wanted
    await this.#outbox.room()
    if (pending > 0) this.#awaitedSince = since === 0 ? Date.now() : since + Date.now() - heldFrom
  }

  #refuse(error: unknown): void {
    if (error instanceof Refusal) this.#count(error)
    else this.#context.log.error({ err: error, address: this.address }, 'forward connection failed')
    this.#wire.destroy()
  }

  #count(refusal: Refusal): void {
    this.#context.metrics.rejected(refusal.reason, 1)
    this.#context.complaints.complain(this.address, refusal.reason, refusal.message)
  }

  /** Records could not be stored: neither they nor what is behind them is acked. */
  #fail(): void {
    this.#hasFailed = true
    this.#wire.stop()
  }
}
