/** The lines of an event come within so many nanoseconds ... */
export const SPAN = 5_000_000_000n
/** ... and are so many at most, of so many characters in all. */
export const MAX_LINES = 1_000
export const MAX_CHARS = 1024 * 1024
/** When so many events, or characters of them, wait for the one before them, that one ends. */
export const LOOKAHEAD = { events: 20_000, chars: 32 * 1024 * 1024 } as const
/** When there are so many outputs, those are forgotten that are silent: a tail may go on for ever. */
export const MAX_OUTPUTS = 10_000
/** Events that are held to be turned around are of so many characters at most. */
export const MAX_HELD_CHARS = 16 * 1024 * 1024
/** What a reader must know before a place, to see the events there as one who read all: those that reach there, and where these began. */
export const BEFORE = 2n * SPAN
