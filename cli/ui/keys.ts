import type { Key } from 'ink'

const NAMED = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'page-up'],
  ['pageDown', 'page-down'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['tab', 'tab'],
  ['backspace', 'backspace'],
  ['delete', 'delete'],
] as const

const CONTROLS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x1b': 'escape',
  '\x7f': 'backspace',
  '\b': 'backspace',
}

/** The keys of one piece of input: names for those that have one, else letters. What was pasted or typed fast comes as several. */
export function keysOf(input: string, key: Key): string[] {
  // Esc and a key soon after look like Alt with that key, on which nothing is.
  if (key.meta) return ['escape', ...keysOf(input, { ...key, meta: false })]
  const named = NAMED.find(([flag]) => key[flag])
  if (named !== undefined) return [named[1]]
  if (key.ctrl) return [`ctrl-${input}`]
  return [...input].map((letter) => CONTROLS[letter] ?? (letter < ' ' ? controlOf(letter) : letter))
}

function controlOf(letter: string): string {
  return `ctrl-${String.fromCharCode(letter.charCodeAt(0) + 0x60)}`
}
