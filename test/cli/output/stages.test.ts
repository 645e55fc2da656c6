import { describe, expect, it } from 'vitest'
import { recordForm } from '../../../cli/output/forms.ts'
import { LineStage } from '../../../cli/output/line-stage.ts'
import { readMatching } from '../../../cli/output/matching.ts'
import { RecordStage } from '../../../cli/output/record-stage.ts'
import { reordered } from '../../../cli/output/reorder.ts'
import { tintOf } from '../../../cli/output/tint.ts'
import { zoned } from '../../../cli/output/zoned.ts'
import type { ApiRecord } from '../../../shared/api/record.ts'

const RECORD: ApiRecord = {
  '@timestamp': '2026-11-21T02:38:11.386458421Z',
  message: 'GET "/cart", 200',
  'log.level': 'warn',
  'log.iostream': 'stdout',
  'event.received': '2026-11-21T02:38:11.400000000Z',
  'service.name': 'shop_web',
  'host.name': 'node1',
  'docker.swarm.task.id': 'lfap0icnqswi0z7gzrj9rxw3p',
  'docker.swarm.task.slot': 2,
  fields: { 'user.id': 7, path: '/cart' },
}

describe('recordForm', () => {
  it.each([
    ['{{.Service}} {{.Slot}}\\t{{.Message}}', 'shop_web 2\tGET "/cart", 200'],
    ['template={{ .Task }}@{{.Node}} {{.Fields.user.id}}', 'shop_web.2@node1 7'],
    ['{{json .Fields}}{{.Stack}}', '{"user.id":7,"path":"/cart"}'],
    ['csv', '2026-11-21T02:38:11.386458421Z,shop_web,2,node1,stdout,warn,"GET ""/cart"", 200"'],
    [
      'logfmt',
      'time=2026-11-21T02:38:11.386458421Z level=warn service=shop_web task=shop_web.2 node=node1 source=stdout ' +
        'msg="GET \\"/cart\\", 200" user.id=7 path=/cart',
    ],
    ['json', 'the line'],
  ])('writes %s', (output, expected) => {
    expect(recordForm(output).write(RECORD, 'the line')).toBe(expected)
  })

  it.each(['{{.Nothing}}', '{{.Message', '{{.}}', 'template', '{{.Message.x}}', '{{.toString}}'])(
    'refuses %s',
    (output) => {
      expect(() => recordForm(output)).toThrow(/^cannot use /)
    },
  )
})

describe('LineStage', () => {
  const PLAIN = { around: 0, zone: undefined, hasPrefix: true, hasTime: false }
  const lines = (...texts: string[]) => texts.map((text) => `web.1.x@n    | ${text}\n`).join('')

  it('leaves lines out by what is behind the prefix, colours not counted, however bytes are cut', async () => {
    const matching = await readMatching({ include: ['^o.k$', 'yes'], exclude: ['not'] })
    const stage = new LineStage({ ...PLAIN, matching })
    const bytes = Buffer.from(lines('o\x1b[31mäk', 'web', 'yes not', 'yes'))
    const shown = [...bytes].map((byte) => stage.push(Buffer.from([byte]))).join('')
    expect(shown + stage.end()).toBe(lines('o\x1b[31mäk', 'yes'))
  })

  it('shows lines around hits, of the same task', async () => {
    const matching = await readMatching({ include: ['hit'] })
    const stage = new LineStage({ ...PLAIN, matching, around: 1 })
    const other = 'web.2.y@n    | other\n'
    const text = `${lines('a', 'b')}${other}${lines('hit', 'c', 'd', 'e', 'hit')}`
    expect(stage.push(Buffer.from(text)) + stage.end()).toBe(lines('b', 'hit', 'c', 'e', 'hit'))
  })

  it('writes times in a zone', () => {
    const stage = new LineStage({ ...PLAIN, matching: undefined, zone: 'America/St_Johns', hasTime: true })
    expect(stage.push(Buffer.from('2026-11-21T02:38:11.386458421Z web.1@n    | x\n'))).toBe(
      '2026-11-20T23:08:11.386458421-03:30 web.1@n    | x\n',
    )
    expect(zoned('2026-07-01T00:00:00.000000000Z', 'UTC')).toBe('2026-07-01T00:00:00.000000000+00:00')
  })
})

describe('readMatching', () => {
  it('marks what matches once, however much overlaps', async () => {
    const matching = await readMatching({ include: ['a+'], highlight: ['ab', 'x*'] })
    expect(matching?.marks?.('caab abx')).toEqual([
      [1, 4],
      [5, 8],
    ])
  })

  it('says which regex it cannot read', async () => {
    await expect(readMatching({ exclude: ['('] })).rejects.toThrow(/^cannot read the regex '\(': /)
    expect(await readMatching({})).toBeUndefined()
  })
})

describe('RecordStage', () => {
  it('tells gaps apart, writes a head once, and keeps the bytes of JSON', async () => {
    const gaps: unknown[] = []
    const gap = JSON.stringify({ gap: { reason: 'rotated' } })
    const options = { matching: undefined, around: 0, zone: undefined }
    const csv = new RecordStage({
      ...options,
      form: recordForm('csv'),
      notes: { gap: (one) => gaps.push(one), annotation: () => {} },
    })
    expect(csv.push(Buffer.from(`${gap}\n${JSON.stringify(RECORD)}\n`)) + csv.end()).toMatch(/^time,.*\n2026.*\n$/)
    expect(gaps).toEqual([{ reason: 'rotated' }])
    const matching = await readMatching({ include: ['cart'] })
    const json = new RecordStage({ ...options, matching, form: recordForm('json'), notes: undefined })
    const big = '{"message":"cart","fields":{"n":12345678901234567890}}'
    expect(json.push(Buffer.from(`${gap}\n${big}\n{"message":"x"}\n`))).toBe(`${gap}\n${big}\n`)
  })
})

describe('reordered', () => {
  it('puts what comes within its window in order, and shows all at the end', async () => {
    async function* batches() {
      yield [{ time: '3' }, { time: '1' }]
      yield [{ time: '2' }]
    }
    const shown = []
    for await (const items of reordered(batches())) shown.push(...items.map(({ time }) => time))
    expect(shown).toEqual(['1', '2', '3'])
  })

  it('shows a line that has waited though nothing else comes', async () => {
    async function* batches() {
      yield [{ time: '1' }]
      await new Promise(() => undefined)
    }
    expect(await reordered(batches(), 20).next()).toMatchObject({ value: [{ time: '1' }] })
  })
})

describe('tintOf', () => {
  it.each([
    ['ERROR: x', 31],
    ['2026-11-21 ERROR db', 31],
    ['{"level":"error"}', 31],
    ['level=warn msg=x', 33],
    ['[warning] x', 33],
    ['no error found', undefined],
    ['GET /error 200', undefined],
  ])('sees in %j %s', (line, colour) => {
    expect(tintOf(line)).toBe(colour)
  })
})
