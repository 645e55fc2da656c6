import { describe, expect, it } from 'vitest'
import { loneText } from '../../../server/query/lone-text.ts'
import { EVERYTHING } from '../../../server/query/query.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import type { Level, Source } from '../../../shared/record.ts'
import { streamOf } from '../store/records.ts'

const ask = (query: string, grep = '') => loneText({ ...EVERYTHING, grep, where: parseQuery(query) })
const lineOf = (service: string, source: Source, level: Level) => ({ stream: streamOf(service), source, level })

describe('loneText', () => {
  it.each([
    ['Refused', '', 'refused'],
    ['', 'ECONN', 'econn'],
    ['"connection refused" service:web level>=warn -source:stderr', '', 'connection refused'],
    ['level:error', 'out of memory', 'out of memory'],
    ['refused (node:node1 OR -service:web)', '', 'refused'],
  ])('of %j and the text %j is %j', (query, grep, text) => {
    expect(ask(query, grep)?.text).toBe(text)
  })

  it.each([
    ['', ''],
    ['service:web', ''],
    ['connection refused', ''],
    ['refused', 'connection'],
    ['"Refused"c', ''],
    ['-refused', ''],
    ['refused OR service:web', ''],
    ['refused status:500', ''],
    ['refused status:*', ''],
    ['refused message:*oom*', ''],
    ['refused /time(d )?out/', ''],
  ])('is not told of %j and the text %j', (query, grep) => {
    expect(ask(query, grep)).toBeUndefined()
  })

  it('has the rest hold by stream, source and level', () => {
    const holds = ask('refused service:web (level>=warn OR source:stderr)')?.holds
    expect(holds?.(lineOf('web', 'stdout', 'error'))).toBe(true)
    expect(holds?.(lineOf('web', 'stderr', ''))).toBe(true)
    expect(holds?.(lineOf('web', 'stdout', 'info'))).toBe(false)
    expect(holds?.(lineOf('api', 'stderr', 'error'))).toBe(false)
  })
})
