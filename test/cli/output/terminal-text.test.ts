import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TerminalStyle, TerminalText } from '../../../cli/output/terminal-text.ts'

const PLAIN: TerminalStyle = { colours: 'drop', hasPrefix: false, hasTime: false }
const COLOURED: TerminalStyle = { colours: 'keep', hasPrefix: true, hasTime: false }

function show(style: TerminalStyle, ...pieces: (string | Buffer)[]): string {
  const text = new TerminalText(style)
  return pieces.map((piece) => text.push(Buffer.from(piece as string))).join('') + text.end()
}

describe('TerminalText', () => {
  it('gives whole lines only', () => {
    const text = new TerminalText(PLAIN)
    expect(text.push(Buffer.from('one\ntw'))).toBe('one\n')
    expect(text.push(Buffer.from('o'))).toBe('')
    expect(text.push(Buffer.from('\n\nth'))).toBe('two\n\n')
    expect(text.end()).toBe('th\n')
    expect(text.end()).toBe('')
  })

  it('drops the CR at the end of a line and shows any other', () => {
    expect(show(PLAIN, 'a\r\nb\rc\r\n\r\n')).toBe('a\nb^Mc\n\n')
  })

  it('shows bytes that are no UTF-8 as the replacement character', () => {
    expect(show(PLAIN, Buffer.from([0x61, 0x9b, 0xff, 0x0a]))).toBe('a\ufffd\ufffd\n')
  })

  it('colours the prefix by service, and nothing of the message', () => {
    const shown = show(COLOURED, 'web.1.lfap0icnqswi@node1    | a | b\n')
    expect(shown).toMatch(/^\x1b\[\d+mweb\.1\.lfap0icnqswi@node1 {4}\| \x1b\[0ma \| b\n$/)
  })

  it('gives a service the same colour whatever the task, the node and the form of the prefix', () => {
    const prefixes = [
      'web.1.lfap0icnqswi@node1    | ',
      'web.12.lfap0icnqswi0z7gzrj9rxw3p@node2     | ',
      'web.3@node1    | ',
      'web    | ',
    ]
    const colours = prefixes.map((prefix) => show(COLOURED, `${prefix}x\n`).match(/^\x1b\[(\d+)m/)?.[1])
    expect(new Set(colours).size).toBe(1)
    const services = Array.from(
      { length: 50 },
      (_, i) => show(COLOURED, `service${i}.1@n    | x\n`).match(/^\x1b\[(\d+)m/)?.[1],
    )
    expect(new Set(services).size).toBeGreaterThanOrEqual(6)
  })

  it('finds the prefix behind the time', () => {
    const time = '2026-11-21T02:38:11.386458421Z '
    const shown = show({ ...COLOURED, hasTime: true }, `${time}web.1@n    | hello\n`)
    expect(shown).toMatch(/^2026-11-21T02:38:11\.386458421Z \x1b\[\d+mweb\.1@n {4}\| \x1b\[0mhello\n$/)
  })

  it('keeps colours of a line to the line', () => {
    expect(show(COLOURED, 'web.1@n    | \x1b[31mred\nweb.1@n    | plain\n')).toMatch(/\x1b\[31mred\x1b\[0m\n.*plain\n$/)
    expect(show({ ...COLOURED, colours: 'drop' }, 'web.1@n    | \x1b[31mred\n')).toBe('web.1@n    | red\n')
  })

  it('does not let a name of a service act', () => {
    expect(show(COLOURED, 'we\x1b[2Jb.1@n    | x\n')).toContain('we^[[2Jb.1@n    | ')
  })

  it('shows the same wherever the bytes are cut', () => {
    const lines = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('web.1@n    | ä日👩‍🚀', '\x1b[31mr\r', '\u202e')),
    )
    fc.assert(
      fc.property(lines, fc.array(fc.nat(200)), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''))
        const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
        expect(show(COLOURED, ...pieces)).toBe(show(COLOURED, bytes))
      }),
    )
  })
})
