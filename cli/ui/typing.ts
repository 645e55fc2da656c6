import type { Prompt } from './state.ts'

const MAX_TEXT = 2000

/** A text being typed after a further key; undefined when the key is none of typing. */
export function typed<T extends Pick<Prompt, 'text' | 'cursor'>>(prompt: T, key: string): T | undefined {
  const { text, cursor } = prompt
  const put = (before: string, after: string): T => ({ ...prompt, text: before + after, cursor: before.length })
  const [before, after] = [text.slice(0, cursor), text.slice(cursor)]
  switch (key) {
    case 'left':
    case 'ctrl-b':
      return { ...prompt, cursor: Math.max(0, cursor - 1) }
    case 'right':
    case 'ctrl-f':
      return { ...prompt, cursor: Math.min(text.length, cursor + 1) }
    case 'home':
    case 'ctrl-a':
      return { ...prompt, cursor: 0 }
    case 'end':
    case 'ctrl-e':
      return { ...prompt, cursor: text.length }
    case 'backspace':
      return put(before.slice(0, -1), after)
    case 'delete':
    case 'ctrl-d':
      return put(before, after.slice(1))
    case 'ctrl-u':
      return put('', '')
    case 'ctrl-k':
      return put(before, '')
    case 'ctrl-w':
      return put(before.replace(/\S*\s*$/, ''), after)
    default:
      // Keys with names are longer than a letter.
      return [...key].length === 1 && text.length < MAX_TEXT ? put(before + key, after) : undefined
  }
}
