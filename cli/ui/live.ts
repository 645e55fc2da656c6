import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Client } from '../client.ts'
import { follow, type Sink } from '../follow.ts'
import type { Event } from './event.ts'
import { annotationLine, gapLine, type Line, readLine } from './line.ts'
import { paramsOf, type Scope } from './scope.ts'

const HISTORY = 1000
/** Lines are handed on so often at most: each time the screen is laid out anew. */
const HAND_ON_MS = 80
const MAX_WAITING = 5000
const RETRY_MS = 1000
const RATE_MS = 1000

/** The live lines of a scope, until the signal comes. A server that goes away is waited for; one that refuses is an event. */
export async function live(
  client: Client,
  scope: Scope,
  dispatch: (event: Event) => void,
  signal: AbortSignal,
): Promise<void> {
  const lines = new Handing(dispatch)
  const params = paramsOf(scope)
  params.set('n', String(HISTORY))
  const sink = sinkOf(lines, dispatch, signal)
  try {
    while (!signal.aborted) {
      const away = await follow(
        client,
        { question: { form: 'json', params, hasTime: false, isOrdered: false }, wantsBegins: false },
        sink,
      ).catch(ifAway)
      if (away === undefined || signal.aborted) return
      dispatch({ kind: 'connection', connection: 'lost', note: away.message })
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  } catch (error) {
    dispatch({ kind: 'connection', connection: 'ended', note: '' })
    dispatch({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
  } finally {
    lines.close()
  }
}

function sinkOf(lines: Handing, dispatch: (event: Event) => void, signal: AbortSignal): Sink {
  return {
    printer: { print: async (_, bytes) => lines.take(bytes.toString()) },
    notes: {
      gap: (gap) => lines.add([gapLine(gap)]),
      annotation: (one) => lines.add([annotationLine(one)]),
      verdict: (verdict) => dispatch({ kind: 'verdict', verdict }),
      changed: (verdict) => dispatch({ kind: 'verdict', verdict }),
      stopped: (note) => dispatch({ kind: 'note', note: note ?? '' }),
    },
    say: (note) => dispatch({ kind: 'note', note }),
    onConnection: (connection) => {
      lines.flush()
      dispatch({ kind: 'connection', connection, note: '' })
    },
    signal,
  }
}

/** Collects lines for a moment, and counts them. */
class Handing {
  readonly #dispatch: (event: Event) => void
  readonly #rates: NodeJS.Timeout
  #waiting: Line[] = []
  #timer: NodeJS.Timeout | undefined
  #counted = 0
  #since = performance.now()

  constructor(dispatch: (event: Event) => void) {
    this.#dispatch = dispatch
    this.#rates = setInterval(() => this.#rate(), RATE_MS)
  }

  take(text: string): void {
    this.add(text.split('\n').filter(Boolean).map(readLine))
  }

  add(lines: readonly Line[]): void {
    this.#waiting.push(...lines)
    this.#counted += lines.length
    if (this.#waiting.length > MAX_WAITING) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), HAND_ON_MS)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length > 0) this.#dispatch({ kind: 'lines', lines: this.#waiting })
    this.#waiting = []
  }

  close(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#rates)
  }

  #rate(): void {
    const now = performance.now()
    this.#dispatch({ kind: 'rate', rate: Math.round((this.#counted * 1000) / (now - this.#since)) })
    this.#counted = 0
    this.#since = now
  }
}

/** An error that only says that the server is not there; throws any other. */
function ifAway(error: unknown): SwarmlogsError {
  if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_SERVER_UNAVAILABLE') return error
  throw error
}
