import { describe, expect, it } from 'vitest'
import { formatOf, lineFormat } from '../../../cli/import/formats.ts'

const TIME = '2026-11-21T02:38:11.386458421Z'

describe('formatOf', () => {
  it.each([
    [`${TIME} shop_web.12.lfap0icnqswi@node-1    | GET /`, 'service-logs'],
    [`${TIME} GET / | 200`, 'docker-logs'],
    [`{"log":"x\\n","stream":"stderr","time":"${TIME}"}`, 'json-file'],
    [`{"@timestamp":"${TIME}","message":"x"}`, 'ndjson'],
    ['{"level":"info","msg":"x"}', 'ndjson'],
    ['time,service,slot,node,source,level,message', 'csv'],
  ])('tells what %s is', (line, format) => expect(formatOf(line)).toBe(format))

  it('says that it cannot tell', () => {
    expect(() => formatOf('Nov 21 02:38:11 web: x')).toThrow(
      /^cannot tell what this is: 'Nov 21 .*; say it by --format/,
    )
  })
})

describe('lineFormat', () => {
  it('reads what docker service logs prints, with padding and bars in the text', () => {
    expect(lineFormat('service-logs', '').push(`${TIME} shop.web.2.lfap0icnqswi@n1     |  a | b`)).toEqual({
      ...{ '@timestamp': TIME, message: ' a | b', 'service.name': 'shop.web', 'host.name': 'n1' },
      ...{ 'docker.swarm.task.slot': 2, 'docker.swarm.task.id': 'lfap0icnqswi' },
      'docker.swarm.task.name': 'shop.web.2.lfap0icnqswi',
    })
  })

  it('puts the parts of long lines of a log file together, each output by itself, the last one also unfinished', () => {
    const id = '6b'.repeat(32)
    const format = lineFormat('json-file', `/var/lib/docker/containers/${id}/${id}-json.log.1`)
    const part = (log: string, stream: string, time: string) => format.push(JSON.stringify({ log, stream, time }))
    expect(part('one ', 'stdout', 't1')).toBeUndefined()
    expect(part('err\n', 'stderr', 't2')).toMatchObject({
      message: 'err',
      'log.iostream': 'stderr',
      'container.id': id,
    })
    expect(part('two\n', 'stdout', 't3')).toMatchObject({ message: 'one two', '@timestamp': 't1' })
    expect(part('rest', 'stdout', 't4')).toBeUndefined()
    expect(format.end()).toMatchObject({ message: 'rest', '@timestamp': 't4' })
    expect(format.end()).toBeUndefined()
  })

  it('leaves out of its own records what the server finds again', () => {
    const line = {
      '@timestamp': TIME,
      message: '{"a":1}',
      'log.iostream': 'stdout',
      'service.name': 'web',
      'host.id': 'n',
    }
    const own = { ...line, 'log.level': 'info', 'event.received': TIME, fields: { a: 1 }, cursor: 'AQ' }
    expect(lineFormat('ndjson', '').push(JSON.stringify(own))).toEqual(line)
    const others = { ts: 1, msg: 'x', extra: [1] }
    expect(lineFormat('ndjson', '').push(JSON.stringify(others))).toEqual(others)
  })

  it('leaves out the gaps and annotations among its own records', () => {
    const format = lineFormat('ndjson', '')
    for (const line of [{ gap: {} }, { annotation: {} }]) expect(format.push(JSON.stringify(line))).toBeUndefined()
    expect(format.push('{"gap":1,"msg":"x"}')).toEqual({ gap: 1, msg: 'x' })
  })

  it('reads CSV: quotes, commas, and newlines within a cell', () => {
    const format = lineFormat('csv', '')
    expect(format.push('time,service,slot,node,source,level,message')).toBeUndefined()
    expect(format.push(`${TIME},web,,n1,stdout,info,"a ""b"", c`)).toBeUndefined()
    expect(format.push('second"')).toEqual({
      ...{ '@timestamp': TIME, 'service.name': 'web', 'host.name': 'n1', 'log.iostream': 'stdout' },
      message: 'a "b", c\nsecond',
    })
    expect(format.push(`${TIME},,3,,,,`)).toEqual({ '@timestamp': TIME, 'docker.swarm.task.slot': 3, message: '' })
    expect(() => format.push('a,b')).toThrow('cannot read a row of 2 cells below a heading of 7')
    format.push(`${TIME},"`)
    expect(() => format.end()).toThrow('a quote in it is not closed')
  })

  it.each([
    ['ndjson', 'x'],
    ['json-file', '{"log":1}'],
    ['service-logs', 'x'],
    ['docker-logs', 'x'],
  ] as const)('says that a line is no %s', (format, line) => {
    expect(() => lineFormat(format, '').push(line)).toThrow(`cannot read a line as ${format}: '${line}'`)
  })
})
