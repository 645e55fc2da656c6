import { type Instance, render } from 'ink'
import { createElement } from 'react'
import type { ApiVersion } from '../../shared/api/basics.ts'
import type { Client } from '../client.ts'
import { App } from './draw/app.ts'
import type { Step } from './event.ts'
import { Loop } from './frames.ts'
import type { Place } from './link.ts'
import { COLUMNS, type Look } from './look.ts'
import { Session } from './session.ts'
import { initialState, type State } from './state.ts'
import { takeTerminal } from './terminal.ts'
import { mouseSwitched } from './update/mouse-switch.ts'
import { followed, jumped, openedAt } from './update/visit.ts'

const TICK_MS = 10_000
/** Frames are planned by us: ink's own limit must never hold one back. */
const INK_FPS = 1000
const LOOK: Look = {
  columns: COLUMNS.filter((column) => column === 'time' || column === 'service'),
  ...{ tint: 'service', wrap: false, shift: 0, hasColour: true, find: '' },
}

/** What the user wants of the terminal. */
export interface Terminal {
  readonly hasColour: boolean
  readonly hasMouse: boolean
  /** Ms since 1970, where the lines are of another time. */
  readonly now?: (() => number) | undefined
}

/** Shows lines until the user leaves, and resolves with the exit code. Throws, before it takes the terminal, when there is no server. */
export async function runUi(client: Client, place: Place, terminal: Terminal): Promise<number> {
  const { hasColour, hasMouse, now = Date.now } = terminal
  await client.json<ApiVersion>('api/v1/version')
  const { stdin, stdout } = process
  const left = Promise.withResolvers<number>()
  const session = new Session({
    client,
    dispatch: (event) => loop.dispatch(event),
    write: (text) => stdout.write(text),
    quit: left.resolve,
  })
  const state = initialState(client.address, place, { ...LOOK, hasColour }, now())
  const loop = new Loop(state, (effect) => session.run(effect), now)
  const resize = () => loop.dispatch({ kind: 'size', columns: stdout.columns, rows: stdout.rows })
  let ink: Instance | undefined
  const leave = takeTerminal(stdout, stdin, { stop: () => ink?.unmount(), end: left.resolve })
  resize()
  stdout.on('resize', resize)
  ink = render(createElement(App, { frames: loop }), {
    ...{ exitOnCtrlC: false, patchConsole: false, interactive: true },
    ...{ incrementalRendering: true, maxFps: INK_FPS },
  })
  // An error while drawing ends it like any other crash.
  ink.waitUntilExit().catch(left.reject)
  const ticks = setInterval(() => loop.dispatch({ kind: 'tick', now: now() }), TICK_MS)
  if (hasMouse) loop.step(mouseSwitched, true)
  loop.step((first) => firstStep(first, place), true)
  try {
    return await left.promise
  } finally {
    clearInterval(ticks)
    stdout.off('resize', resize)
    session.close()
    loop.close()
    leave()
  }
}

function firstStep(state: State, { at, line }: Place): Step<State> {
  if (line !== undefined) return openedAt(state, line)
  return at === undefined ? followed(state) : jumped(state, at)
}
