import type { ApiHistogram } from '../../shared/api/answers.ts'
import type { Client } from '../client.ts'
import { readContext } from './around.ts'
import type { Effect, Event } from './event.ts'
import { live } from './live.ts'
import { MOUSE_OFF, MOUSE_ON } from './mouse.ts'
import { readChoices, readTerms } from './names.ts'
import { type Answer, readAround, readFurther, readNext } from './pages.ts'
import { save } from './save.ts'
import { paramsOf } from './scope.ts'

/** Terminals take some 100 kB at most. */
const MAX_COPIED = 70_000

/** Where the answers to one kind of question go; a new question ends the one before. */
type Slot = 'lines' | 'strip' | 'names' | 'seek' | 'terms'
const SLOTS = {
  jump: 'lines',
  context: 'lines',
  page: 'lines',
  seek: 'seek',
  terms: 'terms',
  histogram: 'strip',
  names: 'names',
} as const

/** What reaches beyond the state. */
export interface Outside {
  readonly client: Client
  readonly dispatch: (event: Event) => void
  readonly write: (text: string) => void
  readonly quit: (code: number) => void
}

/** Does what updates of the state ask for. */
export class Session {
  readonly #outside: Outside
  readonly #asked = new Map<Slot, AbortController>()

  constructor(outside: Outside) {
    this.#outside = outside
  }

  run(effect: Effect): void {
    const { client, dispatch, write, quit } = this.#outside
    if (effect.kind === 'quit') quit(effect.code)
    else if (effect.kind === 'mouse') write(effect.isOn ? MOUSE_ON : MOUSE_OFF)
    else if (effect.kind === 'copy') write(copySequence(effect.text))
    else if (effect.kind === 'save')
      void save(effect.path, effect.lines).then((note) => dispatch({ kind: 'note', note }))
    else if (effect.kind === 'follow') this.#ask('lines', (signal) => live(client, effect.scope, dispatch, signal))
    else this.#ask(SLOTS[effect.kind], (signal) => this.#read(effect, signal))
  }

  /** Ends all questions. */
  close(): void {
    for (const controller of this.#asked.values()) controller.abort()
  }

  #ask(slot: Slot, work: (signal: AbortSignal) => Promise<void>): void {
    this.#asked.get(slot)?.abort()
    const controller = new AbortController()
    this.#asked.set(slot, controller)
    work(controller.signal).catch((error: unknown) => {
      if (controller.signal.aborted) return
      this.#outside.dispatch({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
    })
  }

  async #read(effect: Extract<Effect, { kind: keyof typeof SLOTS }>, signal: AbortSignal): Promise<void> {
    const { client, dispatch } = this.#outside
    switch (effect.kind) {
      case 'names':
        return dispatch({ kind: 'choices', choices: await readChoices(client, effect, signal) })
      case 'jump':
        return this.#page(await readAround(client, effect.scope, effect.time, effect.line, signal))
      case 'context':
        return this.#page(await readContext(client, effect.cursor, effect.within, signal))
      case 'page':
        return this.#page(await readFurther(client, effect.scope, effect.direction, effect.edge, signal))
      case 'terms':
        return dispatch({ kind: 'terms', terms: await readTerms(client, signal) })
      case 'seek': {
        const line = await readNext(client, effect.scope, effect.time, effect.by, signal)
        return dispatch(line === undefined ? { kind: 'note', note: effect.nowhere } : { kind: 'found', line })
      }
      case 'histogram':
        return this.#histogram(effect, signal)
    }
  }

  #page({ page, verdict }: Answer): void {
    this.#outside.dispatch({ kind: 'page', page })
    this.#outside.dispatch({ kind: 'verdict', verdict })
  }

  async #histogram(effect: Extract<Effect, { kind: 'histogram' }>, signal: AbortSignal): Promise<void> {
    const { from, length, count } = effect.grid
    // To count events all lines are read, and the strip is drawn again and again.
    const params = paramsOf({ ...effect.scope, events: false })
    params.set('since', new Date(from).toISOString())
    params.set('until', new Date(from + length * count).toISOString())
    params.set('interval', `${length / 1000}s`)
    params.set('by', 'level')
    const { answer } = await this.#outside.client.json<ApiHistogram>('api/v1/histogram', params, signal)
    this.#outside.dispatch({ kind: 'histogram', answer })
  }
}

/** OSC 52: the terminal takes the text to its clipboard, also over ssh. */
function copySequence(text: string): string {
  return `\x1b]52;c;${Buffer.from(text.slice(0, MAX_COPIED)).toString('base64')}\x07`
}
