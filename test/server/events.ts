import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** A client of server-sent events on a socket of its own. */
export class Events {
  readonly #request: ClientRequest
  readonly #response: Promise<IncomingMessage>
  readonly #queue: EventSourceMessage[] = []
  #wake: () => void = () => {}
  #isEnded = false

  constructor(url: string, headers: Record<string, string> = {}, body?: string) {
    const parser = createParser({
      onEvent: (event) => {
        this.#queue.push(event)
        this.#wake()
      },
    })
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    this.#response = promise
    // Each has a connection of its own, or one that is paused would hold up another.
    const method = body === undefined ? 'GET' : 'POST'
    this.#request = request(url, { method, headers, agent: false }, (response) => {
      response.setEncoding('utf8')
      response.on('data', (text: string) => parser.feed(text))
      response.on('close', () => this.#end())
      resolve(response)
    })
    this.#request.on('error', (error) => {
      reject(error)
      this.#end()
    })
    this.#request.end(body)
    promise.catch(() => {})
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<EventSourceMessage | undefined> {
    while (this.#queue.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#queue.shift()
  }

  /** Events up to the first of this name (included), or the end. */
  async until(name: string): Promise<EventSourceMessage[]> {
    const events: EventSourceMessage[] = []
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event)
      if (event.event === name) break
    }
    return events
  }

  /** Events up to the first record with this message (included), or the end. */
  async untilMessage(message: string): Promise<EventSourceMessage[]> {
    const events: EventSourceMessage[] = []
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event)
      if (messagesOf([event]).includes(message)) break
    }
    return events
  }

  /** So many events. */
  async take(count: number): Promise<EventSourceMessage[]> {
    const events: EventSourceMessage[] = []
    while (events.length < count) {
      const event = await this.next()
      if (event === undefined) break
      events.push(event)
    }
    return events
  }

  /** Status and headers. */
  async response(): Promise<IncomingMessage> {
    return this.#response
  }

  /** Stops reading from the socket. */
  async pause(): Promise<void> {
    ;(await this.#response).pause()
  }

  async resume(): Promise<void> {
    ;(await this.#response).resume()
  }

  close(): void {
    this.#request.destroy()
    this.#end()
  }

  #end(): void {
    this.#isEnded = true
    this.#wake()
  }
}

/** The messages of the records among the events. */
export function messagesOf(events: readonly EventSourceMessage[]): string[] {
  return events.flatMap(({ event, data }) => (event === undefined ? [JSON.parse(data).message as string] : []))
}
