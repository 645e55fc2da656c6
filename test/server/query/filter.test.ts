import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globMatches, lower, messageMatches, streamMatches } from '../../../server/query/filter.ts'
import type { Filter } from '../../../server/query/query.ts'
import type { LogStream } from '../../../shared/record.ts'

const ALL: Filter = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }
const STREAM: LogStream = {
  cluster: 'c1',
  nodeId: 'n0de1abc',
  nodeName: 'worker-1',
  stack: 'shop',
  service: 'shop_web',
  serviceId: 's1',
  taskId: 'ta5k1xyz',
  taskName: 'shop_web.1.ta5k1xyz',
  slot: 1,
  containerId: 'c0ffee',
  containerName: 'shop_web.1.ta5k1xyz',
  image: 'nginx',
  attributes: {},
  tag: '',
}

describe('globMatches', () => {
  it.each([
    ['web', 'web', true],
    ['web', 'webs', false],
    ['w*b', 'web', true],
    ['w*b', 'wb', true],
    ['*', '', true],
    ['?', '', false],
    ['w?b', 'web', true],
    ['*_web', 'shop_web', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['*a*b*c', 'xxaxxbxxcd', false],
    ['', '', true],
    ['', 'a', false],
    ['[a]', 'a', false],
    ['a.c', 'abc', false],
  ])('%s against %s is %s', (pattern, name, expected) => {
    expect(globMatches(pattern, name)).toBe(expected)
  })

  it('says what the same regular expression says', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 }).map((all) => all.join(''))
    const names = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map((all) => all.join(''))
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        const regex = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(globMatches(pattern, name)).toBe(regex.test(name))
      }),
    )
  })

  it('is quick for a pattern made to be slow', () => {
    expect(globMatches('*a'.repeat(50), 'a'.repeat(2000).concat('b'))).toBe(false)
  })
})

describe('streamMatches', () => {
  it.each<[string, Partial<Filter>, boolean]>([
    ['nothing asked', {}, true],
    ['service', { services: ['shop_web'] }, true],
    ['service glob', { services: ['x', '*_web'] }, true],
    ['other service', { services: ['web'] }, false],
    ['both lists must match', { services: ['shop_web'], stacks: ['blog'] }, false],
    ['stack', { stacks: ['sh?p'] }, true],
    ['task by slot', { tasks: ['shop_web.1'] }, true],
    ['task by another slot', { tasks: ['shop_web.10'] }, false],
    ['task whose slot only begins alike', { tasks: ['shop_we'] }, false],
    ['task by id', { tasks: ['ta5k1xyz'] }, true],
    ['task by prefix of the id', { tasks: ['ta5k'] }, true],
    ['node by name', { nodes: ['worker-*'] }, true],
    ['node by prefix of the id', { nodes: ['n0de'] }, true],
    ['empty pattern', { nodes: [''] }, false],
    ['container by prefix of the id', { containers: ['c0f'] }, true],
    ['container by name', { containers: ['shop_web.1.*'] }, true],
    ['accepted', { accepts: (stream) => stream.slot === 1 }, true],
    ['not accepted', { accepts: () => false }, false],
  ])('%s', (_, filter, expected) => {
    expect(streamMatches({ ...ALL, ...filter }, STREAM)).toBe(expected)
  })
})

describe('messageMatches', () => {
  it('finds a substring whatever its case', () => {
    expect(messageMatches({ ...ALL, grep: 'Über' }, 'das ÜBERmaß')).toBe(true)
    expect(messageMatches({ ...ALL, grep: 'ΣΑΣ' }, 'σας')).toBe(false)
    expect(messageMatches({ ...ALL, grep: '100%_' }, 'at 100%_ load')).toBe(true)
    expect(messageMatches({ ...ALL, grep: '' }, '')).toBe(true)
  })

  it('has the same lower case as DuckDB, for all of Unicode', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const sql = `SELECT i::INTEGER, encode(lower(chr(i::INTEGER))) FROM range(1, 1114112) t(i) WHERE i NOT BETWEEN 55296 AND 57343`
    const result = await connection.run(sql)
    const wrong: string[] = []
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (const chunk of await result.fetchAllChunks()) {
      const [codes, texts] = [chunk.getColumnVector(0), chunk.getColumnVector(1)]
      for (let row = 0; row < chunk.rowCount; row++) {
        const letter = String.fromCodePoint(Number(codes.getItem(row)))
        const { bytes } = texts.getItem(row) as { bytes: Uint8Array }
        if (lower(letter) !== decoder.decode(bytes)) wrong.push(letter)
      }
    }
    connection.closeSync()
    instance.closeSync()
    expect(wrong).toEqual([])
  })
})
