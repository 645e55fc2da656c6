import { describe, expect, it } from 'vitest'
import { parseCount, type QuestionFlags, readQuestion } from '../../cli/question.ts'

const ask = (flags: QuestionFlags, targets: string[] = []) => readQuestion(flags, targets).params.toString()

describe('readQuestion', () => {
  it.each<[QuestionFlags, string]>([
    [{}, ''],
    [{ resolve: true, taskIds: true, trunc: true }, ''],
    [{ timestamps: true, details: true, raw: true }, 'timestamps=true&details=true&raw=true'],
    [{ resolve: false, taskIds: false, trunc: false }, 'resolve=false&taskids=false&trunc=false'],
    [{ output: 'raw' }, 'raw=true'],
    [{ output: 'json', timestamps: true, raw: true }, ''],
    [{ node: ['a', 'b'], stack: ['s'], source: 'stderr', grep: 'x y' }, 'node=a&node=b&stack=s&source=stderr&grep=x+y'],
    [{ since: '10m', until: '1795233600.5' }, 'since=10m&until=1795233600.5'],
    [{ current: true }, 'current=true'],
    [{ events: true, include: ['a'] }, 'events=true&q=%2Fa%2F'],
  ])('translates %j', (flags, expected) => {
    expect(ask(flags)).toBe(expected)
  })

  it('passes targets on, and the zone of this machine with times that depend on it', () => {
    const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)
    expect(ask({ since: '2026-11-21' }, ['web', 'api'])).toBe(`target=web&target=api&since=2026-11-21&timezone=${zone}`)
    expect(ask({ until: 'Yesterday' })).toBe(`until=Yesterday&timezone=${zone}`)
  })

  it('knows what lines begin with', () => {
    expect(readQuestion({ timestamps: true }, [])).toMatchObject({ form: 'text', hasPrefix: true, hasTime: true })
    expect(readQuestion({ raw: true }, [])).toMatchObject({ form: 'text', hasPrefix: false, hasTime: false })
    expect(readQuestion({ output: 'json', timestamps: true }, [])).toMatchObject({
      form: 'json',
      hasPrefix: false,
      hasTime: false,
    })
  })

  it('refuses what it does not know', () => {
    expect(() => ask({ output: 'xml' })).toThrow("cannot use 'xml' for --output: give text, json, raw, logfmt")
    expect(() => ask({ events: true, context: '2', grep: 'x' })).toThrow('cannot show events with --context: leave out')
    expect(() => ask({ events: true, direct: true })).toThrow('cannot show events with --direct')
    expect(() => ask({ grep: '' })).toThrow('cannot use an empty --grep')
  })
})

describe('parseCount', () => {
  it.each([
    ['all', undefined],
    ['-1', undefined],
    ['0', 0],
    ['100', 100],
    ['=20', 20],
  ])('reads %s', (text, expected) => {
    expect(parseCount(text)).toBe(expected)
  })

  it.each(['', 'ten', '1.5', '1e3', '12345678901'])('refuses %j', (text) => {
    expect(() => parseCount(text)).toThrow('give a count such as 100, or all')
  })
})
