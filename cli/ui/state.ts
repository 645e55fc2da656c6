import type { ApiHistogram } from '../../shared/api/answers.ts'
import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import type { Expression } from '../../shared/query/ast.ts'
import { TERMS } from './complete.ts'
import type { NamesOf } from './event.ts'
import type { Line } from './line.ts'
import type { Place } from './link.ts'
import type { Look } from './look.ts'
import { EVERYTHING, type Scope } from './scope.ts'
import { LineWindow } from './window.ts'

/** A text that is being typed. */
export interface Prompt {
  readonly kind: 'go' | 'find' | 'query' | 'save'
  readonly text: string
  readonly cursor: number
  /** Why it was not taken. */
  readonly error: string
}

/** One thing to choose. */
export interface Choice {
  readonly value: string
  readonly detail: string
  /** Where to go for it. */
  readonly time?: string
}

/** A list to choose from by typing parts of names. */
export interface Picker {
  readonly kind: NamesOf | 'bookmark'
  readonly text: string
  readonly index: number
  /** undefined: not answered yet. */
  readonly choices: readonly Choice[] | undefined
}

/** One field of a record. */
export interface DetailField {
  readonly name: string
  readonly value: string
  /** What lines with this value have; undefined where lines cannot be chosen by it. */
  readonly term: Expression | undefined
}

/** A record with all its fields. */
export interface Detail {
  readonly line: Line
  readonly fields: readonly DetailField[]
  readonly index: number
}

/** The strip of bars. */
export interface Strip {
  readonly answer: ApiHistogram | undefined
  /** ms since 1970. */
  readonly from: number
  readonly to: number
  /** Which bucket is walked to; undefined: nobody walks. */
  readonly index: number | undefined
}

/** A line to come back to. */
export interface Bookmark {
  readonly key: string
  readonly line: Line
}

/** Whether the server is there. */
export type Connection = 'asking' | 'live' | 'lost' | 'ended'

/** All that the screen shows. */
export interface State {
  readonly columns: number
  readonly rows: number
  readonly server: string
  readonly scope: Scope
  /** Where one came from, for the way back. */
  readonly before: readonly { readonly scope: Scope; readonly at: string | undefined }[]
  readonly window: LineWindow
  /** `live`: lines come in; `past`: pages around a time. */
  readonly mode: 'live' | 'past'
  /** The newest line stays in sight. */
  readonly isFollowing: boolean
  /** First line in sight, and how many of its rows are above the screen. */
  readonly top: { readonly number: number; readonly row: number }
  /** Number of the line one is at. */
  readonly at: number
  readonly look: Look
  /** The terminal reports its mouse. */
  readonly hasMouse: boolean
  readonly isHelp: boolean
  readonly prompt: Prompt | undefined
  readonly picker: Picker | undefined
  readonly detail: Detail | undefined
  readonly strip: Strip
  readonly bookmarks: readonly Bookmark[]
  readonly connection: Connection
  readonly verdict: ApiCompleteness | undefined
  readonly gaps: number
  /** Lines that came while the window was full and paused. */
  readonly skipped: number
  /** Lines that passed between two frames without being drawn. */
  readonly unseen: number
  /** Lines a second. */
  readonly rate: number
  /** A page is being read. */
  readonly paging: 'older' | 'newer' | 'jump' | undefined
  /** There is nothing before the oldest, or behind the newest line. */
  readonly ends: { readonly older: boolean; readonly newer: boolean }
  /** What words of a query may become. */
  readonly terms: readonly string[]
  readonly note: string
}

/** What is there at the beginning. */
export function initialState(server: string, place: Place, look: Look, now: number): State {
  return {
    ...{ columns: 80, rows: 24, server, scope: place.scope ?? EVERYTHING, before: [] },
    ...{ window: new LineWindow(), mode: 'live', isFollowing: true, top: { number: 0, row: 0 }, at: 0 },
    look: { ...look, ...place.look },
    ...{ hasMouse: false, isHelp: false, prompt: undefined, picker: undefined, detail: undefined, bookmarks: [] },
    strip: { answer: undefined, from: now - 3_600_000, to: now, index: undefined },
    ...{ connection: 'asking', verdict: undefined, gaps: 0, skipped: 0, unseen: 0, rate: 0 },
    ...{ paging: undefined, ends: { older: false, newer: false }, terms: TERMS, note: '' },
  }
}
