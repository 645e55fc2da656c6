const ESCAPE = '\x1b'

/** The line without its colours and other CSI sequences, for reading only; in linear time. */
export function withoutColours(line: string): string {
  let next = line.indexOf(ESCAPE)
  if (next < 0) return line
  let text = ''
  let start = 0
  for (; next >= 0; next = line.indexOf(ESCAPE, start)) {
    text += line.slice(start, next)
    start = endOfSequence(line, next)
  }
  return text + line.slice(start)
}

/** A CSI sequence is ESC [, parameters (0x20 to 0x3f), and one final character; of anything else only the ESC is dropped. */
function endOfSequence(line: string, start: number): number {
  let at = start + 1
  if (line[at] !== '[') return at
  do at++
  while (line.charCodeAt(at) >= 0x20 && line.charCodeAt(at) <= 0x3f)
  return Math.min(at + 1, line.length)
}
