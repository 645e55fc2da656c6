import { setImmediate } from 'node:timers/promises'
import { printOpenings } from '../../../shared/forward/lineage.ts'
import {
  HELLO_TAG,
  INVENTORY_TAG,
  identitySum,
  RECORDS_TAG,
  REPORT_TAG,
  type ServerHello,
  WIRE_FORMAT,
} from '../../../shared/forward/own.ts'
import type { StoreIdentity } from '../../store/store.ts'
import { ackOf, helloAckOf, withCommit } from './acks.ts'
import { openBody } from './bodies.ts'
import type { Account } from './budget.ts'
import type { ForwardContext } from './context.ts'
import { type ForeignContext, ForeignRecords, recordOf } from './foreign-records.ts'
import { ForeignStreams } from './foreign-streams.ts'
import { type Frame, parseFrame } from './frame.ts'
import { inventoryOf } from './inventories.ts'
import { SLICE_RECORDS } from './limits.ts'
import type { Ack } from './outbox.ts'
import { gapsOf } from './own-gaps.ts'
import { OwnRecords } from './own-records.ts'
import { OwnStreams } from './own-streams.ts'
import { Partials } from './partials.ts'
import { MsgpackReader } from './reader.ts'
import type { RecordSource } from './record-source.ts'
import { type Reason, Refusal } from './refusal.ts'
import { reportOf } from './reports.ts'
import type { Shipping } from './shipping.ts'

const HELLO_ALLOWANCE = { keys: 32, values: 0, depth: 2 }

/** Where the frames of a connection come from, and what to use for them. */
export interface IntakeOptions {
  readonly context: ForwardContext
  readonly address: string
  /** The name that the client gave in its PING, else its address. */
  readonly sender: string
  readonly account: Account
  readonly shipping: Shipping
}

/** Decodes the frames of one connection and ships their records and acks, in order. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #ownStreams = new OwnStreams()
  readonly #foreign: ForeignContext
  /** The peer is one of our agents. */
  #isOwn = false
  /** All its frames have a sum. */
  #isSummed = false
  #leave: (() => void) | undefined
  /** The store that the agent was told. */
  #told: StoreIdentity | undefined

  constructor(options: IntakeOptions) {
    const { context, sender } = options
    this.#options = options
    this.#foreign = {
      sender,
      streams: new ForeignStreams(sender),
      partials: new Partials(context.partialsHeld),
      quarantine: (reason, detail) => this.#quarantine(reason, detail),
    }
  }

  /** The agent was told of another store than there is now: it must connect again, to hear of it and to send what that one lacks. */
  get isOutdated(): boolean {
    if (this.#told === undefined) return false
    const { id, epoch } = this.#options.context.identity()
    return id !== this.#told.id || epoch !== this.#told.epoch
  }

  /** Takes one whole frame; returns false when the connection must not go on after it. Throws a Refusal to end it at once. */
  async frame(bytes: Buffer): Promise<boolean> {
    const { context, shipping } = this.#options
    const frame = parseFrame(bytes)
    context.metrics.frame()
    this.#check(frame)
    shipping.begin(frame.chunk !== undefined)
    const verdict = verdictOn(frame)
    if (verdict !== undefined) this.#quarantine(...verdict)
    else if (frame.tag === HELLO_TAG && frame.own !== undefined) return this.#hello(frame, frame.own)
    else if (frame.tag === INVENTORY_TAG && this.#isOwn) return this.#inventory(frame)
    else if (frame.tag === REPORT_TAG && this.#isOwn) return this.#report(frame)
    else await this.#records(frame)
    if (frame.chunk !== undefined) shipping.ack(this.#ackOf(frame.chunk))
    return true
  }

  /** Throws a Refusal for a frame of an agent that was changed on its way: it is sent again. */
  #check({ tag, own, isSound }: Frame): void {
    if (own !== undefined && tag === HELLO_TAG) this.#isSummed = isSound !== undefined
    // Whoever greets without our option, or says it under another name, is an agent whose greeting was changed.
    const isTorn = tag === HELLO_TAG ? own === undefined : own !== undefined && tag !== RECORDS_TAG
    if (isTorn || isSound === false || (this.#isSummed && isSound === undefined))
      throw new Refusal(
        'checksum',
        'cannot take a frame whose bytes were changed on the way; check the link, or use TLS',
      )
  }

  /** The connection is over. */
  leave(): void {
    this.#leave?.()
    this.#leave = undefined
  }

  /** Ships lines whose rest did not come in time; all that wait when no time is given. */
  expire(now?: number): void {
    const lines = this.#foreign.partials.expire(now)
    if (lines.length === 0) return
    this.#options.shipping.shipApart(lines.map((line, index) => recordOf(line, this.#foreign.streams, '', index)))
  }

  /** An agent is told by what commit its lines are stored, which is known when they are. */
  #ackOf(chunk: Buffer): Ack {
    const ack = ackOf(chunk)
    if (!this.#isOwn) return ack
    return () => {
      const { openings, last } = this.#options.context.lineage() ?? {}
      const opening = openings?.at(-1)?.id
      return opening === undefined || last === undefined ? ack : withCommit(ack, { opening, at: last })
    }
  }

  async #records(frame: Frame): Promise<void> {
    const { account, shipping } = this.#options
    // Decode the option first: a format that is too new must not cost an inflation.
    const streams = frame.tag === RECORDS_TAG && frame.own !== undefined ? this.#ownStreams.read(frame.own) : undefined
    if (frame.own !== undefined && streams !== undefined)
      await shipping.addGaps(gapsOf(frame.own, streams, this.#foreign.quarantine))
    if (frame.compression !== '') shipping.flush()
    const { entries, heldBytes } = await openBody(frame, account)
    const source = streams === undefined ? this.#foreignRecords(frame, entries) : this.#ownRecords(entries, streams)
    while (!source.isDone) {
      await shipping.add(source.next(SLICE_RECORDS))
      if (!source.isDone) await setImmediate()
    }
    account.give(heldBytes)
  }

  #ownRecords(entries: Buffer, streams: ReturnType<OwnStreams['read']>): RecordSource {
    return new OwnRecords(entries, streams, this.#foreign.quarantine)
  }

  #foreignRecords(frame: Frame, entries: Buffer): RecordSource {
    return new ForeignRecords(frame, entries, this.#foreign)
  }

  async #hello(frame: Frame, own: Buffer): Promise<boolean> {
    const { context, shipping } = this.#options
    if (frame.chunk === undefined) throw new Refusal('frame-shape', 'cannot answer a hello without a chunk id')
    const hello = new MsgpackReader(own).value({ ...HELLO_ALLOWANCE })
    const format = hello instanceof Map ? hello.get('format') : undefined
    const [nodeId, nodeName] = ['nodeId', 'nodeName'].map((key) => text(hello, key))
    await context.noteOpening()
    const { id: store, epoch } = context.identity()
    this.#told = { id: store, epoch }
    const { version, retentionMs } = context
    const kept = retentionMs === undefined ? {} : { retentionMs }
    const sum = identitySum(store, epoch)
    const { openings = [] } = context.lineage() ?? {}
    const known = openings.length > 0 ? { openings: printOpenings(openings) } : {}
    const answer: ServerHello = { format: WIRE_FORMAT, version, store, epoch, sum, ...known, ...kept }
    this.#isOwn = typeof format === 'number' && format >= 1 && format <= WIRE_FORMAT
    if (this.#isOwn) {
      this.leave()
      // Who only looks whether a server is there has no name.
      if (nodeId || nodeName) this.#leave = context.ingest.agent(nodeId ?? '', nodeName ?? '')
      shipping.ack(helloAckOf(frame.chunk, answer))
      return true
    }
    const error = `cannot read wire format ${String(format)}, the newest known here is ${WIRE_FORMAT}; update the server first`
    this.#quarantine('format', error)
    shipping.ack(helloAckOf(frame.chunk, { ...answer, error }))
    return false
  }

  #inventory(frame: Frame): boolean {
    const { context, shipping } = this.#options
    const inventory = this.#decoded(() => inventoryOf(frame.body))
    shipping.ship(inventory === undefined ? Promise.resolve() : context.ingest.inventory(inventory), acksOf(frame))
    return true
  }

  async #report(frame: Frame): Promise<boolean> {
    const { context, shipping } = this.#options
    const report = this.#decoded(() => reportOf(frame.body))
    if (report !== undefined) await shipping.addGaps(context.ingest.lost(report))
    // Of a store that has lost something since, it says what is not so any more.
    const take = () => report !== undefined && !this.isOutdated && context.ingest.report(report)
    shipping.shipBehind(take, acksOf(frame))
    return true
  }

  /** What a frame tells; undefined when it is odd: it would be no better the next time. */
  #decoded<T>(decode: () => T): T | undefined {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#quarantine(error.reason, error.message)
      return undefined
    }
  }

  #quarantine(reason: Reason, detail: string): void {
    const { context, address } = this.#options
    context.metrics.rejected(reason, 1)
    context.complaints.complain(address, reason, detail)
  }
}

function acksOf({ chunk }: Frame): Buffer[] {
  return chunk === undefined ? [] : [ackOf(chunk)]
}

function text(map: unknown, key: string): string {
  const value = map instanceof Map ? map.get(key) : undefined
  return typeof value === 'string' ? value : ''
}

/** Why a frame's records are not stored, if they are not; it is acked all the same, as it would be no better the next time. */
function verdictOn({ tag, signal }: Frame): [Reason, string] | undefined {
  if (tag === '') return ['tag', 'cannot store records without a tag; let the sender set one']
  if (signal === 0) return undefined
  const name = signal === 1 ? 'metrics' : signal === 2 ? 'traces' : `signal ${signal}`
  return ['signal', `cannot store ${name}, only logs; let the sender match its logs only`]
}
