import { constants } from 'node:os'

/** How long no container must have been told to stop, or have died, before a drain is over; a busy engine takes seconds to get to the next. */
const QUIET_MS = 5_000
/** Signals that end a program unless it says otherwise: INT, QUIT, KILL, TERM. */
const ENDING = new Set([2, 3, 9, 15])

/** Keeps the time for a drain: when containers were last told to stop, or died. */
export class Departures {
  /** How often a drain looks whether it is over. */
  static readonly LOOK_MS = 100
  #last = 0

  /** The drain begins: others may be told to stop from now on. */
  begin(): void {
    this.note()
  }

  /** A container was told to stop, or died. */
  note(): void {
    this.#last = performance.now()
  }

  /** Whether the drain is over; not while a container that was told to stop is still to be read. */
  isOver(isSpeaking: boolean): boolean {
    return !isSpeaking && performance.now() - this.#last >= QUIET_MS
  }

  /** Whether a signal (its number) stops a container whose stop signal is as given (number, name, or ''). */
  static stops(signal: string, stopSignal: string): boolean {
    const names: Readonly<Record<string, number>> = constants.signals
    const own = names[`SIG${stopSignal.toUpperCase().replace(/^SIG/, '')}`] ?? Number(stopSignal || Number.NaN)
    return ENDING.has(Number(signal)) || Number(signal) === own
  }
}
