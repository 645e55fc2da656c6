import { Box, Text, useInput } from 'ink'
import { createElement, memo, useSyncExternalStore } from 'react'
import { keysOf } from '../keys.ts'
import type { Mouse } from '../mouse.ts'
import type { State } from '../state.ts'
import { bodyRows } from './body.ts'
import { footerRow, statusRow, stripRow, titleRow } from './chrome.ts'
import { useMouse } from './use-mouse.ts'

/** What the screen draws from. */
export interface Frames {
  /** The state as it is to be drawn; the same object until `subscribe` calls. */
  readonly frame: () => State
  readonly subscribe: (changed: () => void) => () => void
  readonly press: (keys: readonly string[]) => void
  readonly point: (mouse: Mouse) => void
}

/** The whole screen. */
export function App({ frames }: { readonly frames: Frames }) {
  const state = useSyncExternalStore(frames.subscribe, frames.frame)
  useInput((input, key) => frames.press(keysOf(input, key)))
  useMouse(frames.point)
  return createElement(
    Box,
    { flexDirection: 'column', width: state.columns, height: state.rows },
    screenRows(state).map(element),
  )
}

/** All rows of the screen, from the top. */
export function screenRows(state: State): string[] {
  return [titleRow(state), stripRow(state), ...bodyRows(state), statusRow(state), footerRow(state)].slice(-state.rows)
}

/** A row is drawn anew only when its text has changed. Empty ones keep their place. */
const Row = memo(function Row({ text }: { readonly text: string }) {
  return createElement(
    Box,
    { height: 1, flexShrink: 0 },
    createElement(Text, { wrap: 'truncate' }, text === '' ? ' ' : text),
  )
})

function element(text: string, index: number) {
  return createElement(Row, { key: index, text })
}
