import { describe, expect, it } from 'vitest'
import { fitted, rowsOf, steady, widthOf } from '../../../cli/ui/cells.ts'

describe('text in cells', () => {
  it.each([
    ['plain', 'abcdefgh', ['abc', 'def', 'gh']],
    ['empty', '', ['']],
    ['wide letters never cut in half', '日本語', ['日', '本', '語']],
    ['colours closed and opened again', '\x1b[31mabcd', ['\x1b[31mabc\x1b[0m', '\x1b[31md\x1b[0m']],
    ['a colour that ended', '\x1b[31ma\x1b[0mbcd', ['\x1b[31ma\x1b[0mbc', 'd']],
  ])('%s', (_, text, rows) => {
    expect(rowsOf(text, 3, 10)).toEqual(rows)
  })

  it('is cut after so many rows, and after so many cells at the left', () => {
    expect(rowsOf('abcdefgh', 3, 2)).toEqual(['abc', 'def'])
    expect(rowsOf('abcdefgh', 3, 1, 4)).toEqual(['efg'])
    expect(rowsOf('\x1b[1mabcdefgh', 3, 1, 4)).toEqual(['\x1b[1mefg\x1b[0m'])
  })

  it('is padded or cut to a width', () => {
    expect(fitted('ab', 4)).toBe('ab  ')
    expect(fitted('abcdef', 4)).toBe('abc…')
    expect(fitted('日本語', 4)).toBe('日… ')
    expect(widthOf(fitted('日本語', 4))).toBe(4)
  })

  it('has nothing whose width terminals do not agree on', () => {
    expect(steady('a\u200bb\u200dc\u{e0041}')).toBe('a\\u200bb\\u200dc\\ue0041')
    expect(steady(`e${'\u0301'.repeat(40)}`)).toBe(`e${'\u0301'.repeat(3)}`)
    expect(steady('a\tb')).toBe('a       b')
    expect(steady('\u2764\ufe0f')).toBe('\u2764')
    expect(steady('\ud800x')).toBe('\ufffdx')
  })
})
