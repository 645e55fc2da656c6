import type { ApiHistogram } from '../../shared/api/answers.ts'
import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import type { Surroundings } from './around.ts'
import type { Grid } from './bars.ts'
import type { Line } from './line.ts'
import type { Mouse } from './mouse.ts'
import type { Scope } from './scope.ts'
import type { Choice, Connection } from './state.ts'

/** What happens. */
export type Event =
  | { readonly kind: 'key'; readonly key: string; readonly now: number }
  | { readonly kind: 'mouse'; readonly mouse: Mouse }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'lines'; readonly lines: readonly Line[] }
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'verdict'; readonly verdict: ApiCompleteness }
  | { readonly kind: 'connection'; readonly connection: Connection; readonly note: string }
  | { readonly kind: 'histogram'; readonly answer: ApiHistogram }
  | { readonly kind: 'choices'; readonly choices: readonly Choice[] }
  | { readonly kind: 'rate'; readonly rate: number }
  /** Time goes by: the strip goes along. */
  | { readonly kind: 'tick'; readonly now: number }
  | { readonly kind: 'terms'; readonly terms: readonly string[] }
  | { readonly kind: 'found'; readonly line: Line }
  | { readonly kind: 'note'; readonly note: string }
  /** The query was not taken. */
  | { readonly kind: 'refused'; readonly message: string }

/** What a picker of the server's answers is about. */
export type NamesOf = 'service' | 'node' | 'pattern'

/** Lines around, before or behind a time. */
export interface Page {
  readonly kind: 'jump' | 'older' | 'newer'
  readonly lines: readonly Line[]
  /** Of a jump: which of the lines to be at. */
  readonly index: number
  readonly isEnd: { readonly older?: boolean; readonly newer?: boolean }
}

/** What is to be done beyond the state. */
export type Effect =
  | { readonly kind: 'follow'; readonly scope: Scope }
  | { readonly kind: 'jump'; readonly scope: Scope; readonly time: string; readonly line?: Line }
  | { readonly kind: 'context'; readonly cursor: string; readonly within: Surroundings['within'] }
  | {
      readonly kind: 'page'
      readonly scope: Scope
      readonly direction: 'older' | 'newer'
      readonly edge: readonly Line[]
    }
  | { readonly kind: 'histogram'; readonly scope: Scope; readonly grid: Grid }
  | { readonly kind: 'names'; readonly of: NamesOf; readonly scope: Scope; readonly grid: Grid }
  /** Asks what words of a query may become. */
  | { readonly kind: 'terms' }
  /** Looks for the next or last line of a scope after or before a time. */
  | {
      readonly kind: 'seek'
      readonly scope: Scope
      readonly time: string
      readonly by: 1 | -1
      readonly nowhere: string
    }
  | { readonly kind: 'mouse'; readonly isOn: boolean }
  | { readonly kind: 'copy'; readonly text: string }
  | { readonly kind: 'save'; readonly path: string; readonly lines: readonly Line[] }
  | { readonly kind: 'quit'; readonly code: number }

/** A state, and what is to be done. */
export type Step<S> = readonly [state: S, ...effects: Effect[]]
