import type { Effect, Event } from '../../../cli/ui/event.ts'
import { type Line, lineOf } from '../../../cli/ui/line.ts'
import type { Look } from '../../../cli/ui/look.ts'
import { EVERYTHING } from '../../../cli/ui/scope.ts'
import { initialState, type State } from '../../../cli/ui/state.ts'
import { update } from '../../../cli/ui/update/update.ts'
import type { ApiRecord } from '../../../shared/api/record.ts'

export const NOW = Date.parse('2026-11-21T12:00:00Z')
export const LOOK: Look = { columns: [], tint: 'none', wrap: false, shift: 0, hasColour: false, find: '' }

/** A line a second after the one before it. */
export function line(index: number, fields: Partial<ApiRecord> = {}): Line {
  const time = `${new Date(NOW + index * 1000).toISOString().slice(0, -1)}000000Z`
  return lineOf({
    '@timestamp': time,
    message: `line ${index}`,
    'log.iostream': 'stdout',
    'event.received': time,
    'service.name': 'web',
    'container.id': 'c1',
    ...fields,
  })
}

export function lines(count: number, from = 0): Line[] {
  return Array.from({ length: count }, (_, index) => line(from + index))
}

/** A UI without a terminal and a server: events in, states and effects out. */
export class Bare {
  state: State = initialState('http://server', { scope: EVERYTHING, at: undefined, look: {} }, LOOK, NOW)
  effects: Effect[] = []

  constructor(rows = 14) {
    this.happen({ kind: 'size', columns: 80, rows })
    this.happen({ kind: 'connection', connection: 'live', note: '' })
  }

  happen(event: Event): this {
    const [state, ...effects] = update(this.state, event)
    this.state = state
    this.effects = effects
    return this
  }

  press(...keys: string[]): this {
    for (const key of keys) this.happen({ kind: 'key', key, now: NOW })
    return this
  }

  take(taken: readonly Line[]): this {
    return this.happen({ kind: 'lines', lines: taken })
  }

  /** The text of the line one is at. */
  get at(): string | undefined {
    return this.state.window.at(this.state.at)?.text
  }
}
