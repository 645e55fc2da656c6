import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QueryError } from '../../../shared/query/error.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { printQuery } from '../../../shared/query/print.ts'
import { expressions } from './expressions.ts'

describe('parseQuery', () => {
  it.each([
    ['', ''],
    ['  timeout ', 'timeout'],
    ['refused "connection reset" "OOM"c', 'refused "connection reset" "OOM"c'],
    ['a AND b OR c d', 'a b OR c d'],
    ['a and b', 'a and b'],
    ['(a OR b) c', '(a OR b) c'],
    ['((a b) c) d', 'a b c d'],
    ['-a NOT b -(c OR d)', '-a -b -(c OR d)'],
    ['NOT NOT a', '-(-a)'],
    [
      'service:web level>=warn "connection refused" -health status>=500 /time(d )?out/ (node:node1 OR node:node2) user.id:42 message:*oom*',
      'service:web level>=warn "connection refused" -health status>=500 /time(d )?out/ (node:node1 OR node:node2) user.id:42 message:*oom*',
    ],
    ['level:WARNING', 'level:warn'],
    ['level:none', '-level:*'],
    ['level!=error', '-level:error'],
    ['level:[warn TO error]', 'level>=warn level<=error'],
    ['status:[400 TO 499]', 'status>=400 status<=499'],
    ['status:{400 TO 500}', 'status>400 status<500'],
    ['status:[400 TO 500}', 'status>=400 status<500'],
    ['status:[400 TO *]', 'status>=400'],
    ['status:[* TO *]', 'status:*'],
    ['-status:[400 TO 499]', '-(status>=400 status<=499)'],
    ['status:>=500', 'status>=500'],
    ['x:1.50', 'x:1.5'],
    ['x:-0', 'x:0'],
    ['x:007', 'x:"007"'],
    ['x:"7"', 'x:"7"'],
    ['x:1234567890123456', 'x:"1234567890123456"'],
    ['trace:*', 'trace:*'],
    ['"odd name":5', '"odd name":5'],
    ['"level":30', '"level":30'],
    ['path:/api/v1/users', 'path:"/api/v1/users"'],
    ['path:/^\\/api/', 'path:/^\\/api/'],
    ['/a\\/b c/i', '/a\\/b c/i'],
    ['/api/v1/users', '"/api/v1/users"'],
    ['http://web:80/x', '"http://web:80/x"'],
    ['10.0.0.1:8080', '"10.0.0.1:8080"'],
    ['conn*refused', 'message:*conn*refused*'],
    ['why?', '"why?"'],
    ['message:oom', 'oom'],
    ['message=oom', 'message=oom'],
    ['message:"two words"c', '"two words"c'],
    ['message:/x/', '/x/'],
    ['a\\ b:c', '"a b:c"'],
    ['x:a\\*b', 'x:"a*b"'],
    ['x:a\\*b*', 'x:a\\*b*'],
    ['x:**a**', 'x:*a*'],
    ['*', '*'],
    ['x:"a\\"b\\\\c\\n\\u00e9\\d"', 'x:"a\\"b\\\\c\né\\\\d"'],
    ['slot>1 source:stderr', 'slot>1 source:stderr'],
    ['über:ß', 'über:ß'],
  ])('reads %s as %s', (text, canonical) => {
    const expression = parseQuery(text)
    expect(printQuery(expression).replace('"über":', 'über:')).toBe(canonical === '*' ? '' : canonical)
    expect(parseQuery(printQuery(expression))).toEqual(expression)
  })

  it.each([
    ['(level:error ))', 'unexpected ")" at 15: expected white space or the end'],
    ['(a b', 'unexpected end at 5: expected white space or ")"'],
    ...['a OR', 'a AND', 'a NOT', '(a OR)'].map((text): [string, RegExp] => [
      text,
      new RegExp(
        `a term is missing at ${text.startsWith('(') ? 6 : text.length + 1}: give a word, a "phrase", a /regex/, field:value`,
      ),
    ]),
    ['NOT', /a term is missing at 4/],
    ['()', /a term is missing at 2/],
    ['status:[1', 'unexpected end at 10: expected TO'],
    ['status:[1 TO', 'unexpected end at 13: expected a value or a "phrase"'],
    ['status:[1 TO]', 'unexpected "]" at 13: expected a value or a "phrase"'],
    ['status:[1 TO5]', 'unexpected "T" at 11: expected TO'],
    ['OR a', /unexpected "O" at 1: expected .*a \/regex\/, a word or the end/],
    ['foo(bar)', 'unexpected "(" at 4: expected white space'],
    ['status:', /unexpected end at 8: expected .*a value/],
    ['status: 5', /unexpected " " at 8/],
    ['status >= 500', /unexpected ">" at 8/],
    ['"open', /unexpected end at 6: expected "\\""/],
    ['level:loud', 'unknown level "loud" at 7: expected trace, debug, info, warn, error, fatal or none'],
    ['a level:err*', /unknown level "err\*" at 9/],
    ['x /(/', 'a regex that cannot be used at 3: missing closing ): `(`'],
    ['/((a{500}){2}){500}/', /a regex that cannot be used at 1/],
    ['/a{1000}{5}b{1000}c{1000}d{1000}e{1000}f{1000}/', /a regex that cannot be used at 1/],
    ['level>=eror', /unknown level "eror" at 8/],
    ['level:[debug TO eror]', /unknown level "eror" at 17/],
    ['slot:x', /slot "x" at 6: expected a number/],
    ['service>a', '> behind service at 8: it is a text: expected : or ='],
    ['service:[a TO b]', 'a range behind service at 9: it is a text: expected : or ='],
    ['level:/err/', /a pattern behind level at 7/],
    ['path:/(/', /a regex that cannot be used at 6/],
    ['source:out', 'unknown source "out" at 8: expected stdout or stderr'],
    ['x>a*', /a pattern behind > at 3/],
    ['x:[1 TO a]', /a range from a number to a text at 3/],
    ['x:[1 2]', /unexpected "\["|unexpected "2"/],
    ['x>"a"c', /a c behind this value at 3/],
    ['""', 'empty text at 1: give at least one character'],
    ['--a', /unexpected "-" at 2/],
    ['"\\ud800"', /half a character/],
    ['x'.repeat(513), /a text that is too long at 1: give at most 512 characters/],
    [`/${'x'.repeat(1001)}/`, /a regex that is too long at 1/],
    ['x '.repeat(4097), /a query that is too long at 8193/],
    ['x '.repeat(201), /201 conditions at 1: give at most 200/],
    [`${'('.repeat(33)}x${')'.repeat(33)}`, /a parenthesis too deep at 33: nest at most 32/],
    [`${'-('.repeat(1000)}x`, /a parenthesis too deep at 66/],
  ])('says where %s goes wrong', (text, problem) => {
    const read = () => parseQuery(text)
    expect(read).toThrow(QueryError)
    expect(read).toThrow(problem)
    expect(read).toThrow(/^cannot read the query: /)
  })

  it('never throws anything else, and takes little time', () => {
    const signs = fc.string({ unit: fc.constantFrom(...'aO RNDT:"/\\()[]{}*?-=<>!c1.é😀'), maxLength: 300 })
    fc.assert(
      fc.property(fc.oneof(signs, fc.string({ unit: 'binary' })), (text) => {
        try {
          const expression = parseQuery(text)
          expect(parseQuery(printQuery(expression))).toEqual(expression)
        } catch (error) {
          if (!(error instanceof QueryError)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('printQuery', () => {
  it('gives a text that is parsed to the same expression', () => {
    const any = fc.string({ unit: 'grapheme', maxLength: 12 })
    const signs = fc.string({ unit: fc.constantFrom(...'ab*?\\" /-:()[]\n1'), maxLength: 8 })
    const words = {
      texts: fc.oneof(any, signs, fc.constantFrom('AND', 'OR', 'NOT', '*', '1', 'a.b')),
      patterns: fc.oneof(
        signs,
        any.map((text) => `*${text}`),
      ),
      regexes: fc.constantFrom('a', 'a/b', '(x|y) z', '\\\\', '[/]', '\\d+\\.', 'c:\\\\/', ' ', '-'),
      numbers: fc.oneof(fc.integer(), fc.constantFrom(1.5, 1e300, -2.25, 1e-7)),
      fields: fc.oneof(any, fc.constantFrom('status', 'level', 'user.id', 'a b', '"', '@x/y-z')),
    }
    fc.assert(
      fc.property(expressions(words), (expression) => {
        expect(parseQuery(printQuery(expression))).toEqual(expression)
      }),
      { numRuns: 2000 },
    )
  })
})
