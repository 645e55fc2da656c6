import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { ApiNote, ApiTaskChange } from '../shared/api/answers.ts'
import type { ApiCompleteness } from '../shared/api/completeness.ts'
import type { ApiAnnotation, ApiGap } from '../shared/api/record.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Client } from './client.ts'
import type { MissingNotes } from './output/missing.ts'
import type { Printer } from './output/printer.ts'
import { reordered } from './output/reorder.ts'
import { say } from './output/say.ts'
import type { Question } from './question.ts'
import { annotationLine, gapLine, lineOf, parse, type TailLine } from './tail-line.ts'

/** The server is silent for 15 s at most. */
const IDLE_MS = 45_000
const MIN_DELAY_MS = 200
const MAX_DELAY_MS = 10_000

/** What to follow. */
export interface Following {
  readonly question: Pick<Question, 'form' | 'params' | 'hasTime' | 'isOrdered'>
  /** Whether the user asked for a time that the store may not reach back to. */
  readonly wantsBegins: boolean
}

/** Where lines and what is said of them go. */
export interface Sink {
  readonly printer: Pick<Printer, 'print'>
  readonly notes: Pick<MissingNotes, 'gap' | 'annotation' | 'verdict' | 'changed' | 'stopped'>
  /** Takes notes on the connection and on the question; stderr when absent. */
  readonly say?: (text: string) => void
  /** Is told when the lines are those that come in now, and when the connection is lost. */
  readonly onConnection?: (connection: 'live' | 'lost') => void
  /** Is told of tasks that come and go. */
  readonly onTask?: (change: ApiTaskChange) => void
  /** Ends it. */
  readonly signal?: AbortSignal
  /** Shows what is left. */
  close?(): Promise<void>
}

/**
 * Prints what is asked for as it comes in, for ever or until the time of `until`. When the connection is lost it goes on where it
 * stopped; only a server that cannot be reached at first, or that refuses, is an error.
 */
export async function follow(client: Client, following: Following, output: Sink): Promise<void> {
  const tail = new Tail(client, following, output)
  await tail.run()
  await output.close?.()
}

class Tail {
  readonly #client: Client
  readonly #following: Following
  readonly #output: Sink
  #verdict = ''
  readonly #said = new Set<string>()
  #lastId: string | undefined
  #failures = 0
  #hasAnswered = false

  constructor(client: Client, following: Following, output: Sink) {
    this.#client = client
    this.#following = following
    this.#output = output
  }

  async run(): Promise<void> {
    for (;;) {
      const end = await this.#once()
      if (end === 'until') return
      if (end === 'slow') continue
      const pauseMs = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2)
      await delay(pauseMs, undefined, { ...this.#abort }).catch(() => undefined)
      if (this.#output.signal?.aborted) return
      this.#failures++
    }
  }

  /** One connection, to its end; the reason is the code of the note that ended it, if any. */
  async #once(): Promise<ApiNote['code'] | undefined> {
    try {
      const response = await this.#connect()
      this.#hasAnswered = true
      return await this.#read(response)
    } catch (error) {
      if (this.#output.signal?.aborted) return 'until'
      if (!this.#hasAnswered || !isPassing(error)) throw this.#final(error)
      this.#sayOnce(
        'lost',
        `the connection to ${this.#client.address} is lost: trying again, and going on where it stopped`,
      )
      return undefined
    }
  }

  #connect(): Promise<IncomingMessage> {
    const { form, params, isOrdered } = this.#following.question
    const { onTask } = this.#output
    const asked = new URLSearchParams(params)
    asked.set('format', form)
    if (isOrdered && form === 'text') asked.set('timestamps', 'true')
    const headers: Record<string, string> = this.#lastId === undefined ? {} : { 'last-event-id': this.#lastId }
    const accept = onTask === undefined ? 'text/event-stream' : 'text/event-stream;with=tasks'
    return this.#client.get('api/v1/tail', { accept, params: asked, headers, idleMs: IDLE_MS, ...this.#abort })
  }

  get #abort(): { signal?: AbortSignal } {
    const { signal } = this.#output
    return signal === undefined ? {} : { signal }
  }

  async #read(response: IncomingMessage): Promise<ApiNote['code'] | undefined> {
    let end: ApiNote['code'] | undefined
    const batches = this.#lines(response, (code) => {
      end = code
    })
    const { isOrdered } = this.#following.question
    for await (const lines of isOrdered ? reordered(batches) : batches) await this.#print(lines)
    if (end === undefined || end === 'error') {
      this.#sayOnce('lost', `${this.#client.address} ended the connection: trying again, and going on where it stopped`)
    }
    return end
  }

  async *#lines(response: IncomingMessage, onEnd: (code: ApiNote['code']) => void): AsyncGenerator<TailLine[], void> {
    const messages: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (message) => messages.push(message) })
    const decoder = new TextDecoder()
    for await (const piece of this.#client.body(response)) {
      parser.feed(decoder.decode(piece, { stream: true }))
      const lines = this.#take(messages.splice(0), onEnd)
      if (lines.length > 0) yield lines
    }
  }

  /** Neighbours of one source are one write. */
  async #print(lines: readonly TailLine[]): Promise<void> {
    let run = { source: lines[0]?.source ?? ('stdout' as const), text: '' }
    for (const { source, text } of lines) {
      if (source !== run.source) {
        await this.#output.printer.print(run.source, Buffer.from(run.text))
        run = { source, text: '' }
      }
      run.text += `${text}\n`
    }
    await this.#output.printer.print(run.source, Buffer.from(run.text))
  }

  /** Sorts messages into lines and notes. */
  #take(messages: readonly EventSourceMessage[], onEnd: (code: ApiNote['code']) => void): TailLine[] {
    if (messages.length > 0) this.#isBack()
    const lines: TailLine[] = []
    for (const { id, event, data } of messages) {
      if (id !== undefined) this.#lastId = id
      if (event === 'live') this.#output.onConnection?.('live')
      if (event === 'task') this.#output.onTask?.(parse<ApiTaskChange>(data))
      if (event === 'note') this.#note(data, onEnd)
      if (event === 'completeness') this.#complete(parse<ApiCompleteness>(data))
      if (event === 'gap' && this.#following.question.form === 'json') lines.push(gapLine(data))
      else if (event === 'gap') this.#output.notes.gap(parse<ApiGap>(data))
      if (event === 'annotation' && this.#following.question.form === 'json') lines.push(annotationLine(data))
      else if (event === 'annotation') this.#output.notes.annotation(parse<ApiAnnotation>(data))
      if (event === undefined || event === 'message') lines.push(lineOf(data, this.#following.question))
    }
    return lines
  }

  #note(data: string, onEnd: (code: ApiNote['code']) => void): void {
    const { code, message } = parse<ApiNote>(data)
    if (code === 'begins' && !this.#following.wantsBegins) return
    if (code === 'shutdown') this.#sayOnce('lost', 'the server stops: waiting for it, and going on where it stopped')
    else if (code === 'slow')
      this.#sayOnce(code, 'the reader of this output is slower than the lines: going on where it stopped')
    else if (code === 'stopped' || code === 'passed') this.#output.notes.stopped(message)
    else if (code !== 'until') this.#sayOnce(message, message)
    if (['slow', 'shutdown', 'error', 'until'].includes(code)) onEnd(code)
  }

  /** Says the first verdict when it is not complete, then each that differs: not a connection's first that says the same again. */
  #complete(completeness: ApiCompleteness): void {
    const { notes } = this.#output
    const { verdict, nodes, unreadable } = completeness
    const key = JSON.stringify([verdict, nodes.map(({ id, name, reason }) => [id, name, reason]), unreadable])
    if (this.#verdict === '') notes.verdict(completeness)
    else if (this.#verdict !== key) notes.changed(completeness)
    this.#verdict = key
  }

  #isBack(): void {
    this.#failures = 0
    if (this.#said.delete('lost')) this.#say(`connected to ${this.#client.address} again`)
  }

  /** A cursor that the server does not take any more is no mistake of the user's. */
  #final(error: unknown): unknown {
    if (this.#lastId === undefined || !(error instanceof SwarmlogsError) || error.code !== 'SWARMLOGS_USAGE')
      return error
    const message = `cannot go on where the lines stopped, start again: ${error.message}`
    return new SwarmlogsError('SWARMLOGS_PROTOCOL', message, { cause: error })
  }

  #sayOnce(key: string, text: string): void {
    if (this.#said.has(key)) return
    this.#said.add(key)
    if (key === 'lost') this.#output.onConnection?.('lost')
    this.#say(text)
  }

  #say(text: string): void {
    const { say: take = say } = this.#output
    take(text)
  }
}

/** Whether trying again may help: the server is away, starting or busy. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof SwarmlogsError)) return false
  return ['SWARMLOGS_SERVER_UNAVAILABLE', 'SWARMLOGS_STORE_UNAVAILABLE', 'SWARMLOGS_PROTOCOL'].includes(error.code)
}
