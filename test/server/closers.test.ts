import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Closers } from '../../server/closers.ts'

describe('Closers', () => {
  const lines: string[] = []
  const log = pino({}, { write: (text: string) => lines.push(JSON.parse(text).msg) })

  it('closes in reverse order, past what fails, each once', async () => {
    const closed: number[] = []
    const closers = new Closers()
    closers.add(() => void closed.push(1))
    closers.add(() => {
      throw new Error('stuck')
    })
    closers.add(async () => void closed.push(3))
    await closers.close(log, 60_000)
    await closers.close(log, 60_000)
    expect(closed).toEqual([3, 1])
    expect(lines.splice(0)).toEqual(['a part of the server could not be closed'])
  })

  it('waits no longer than it may', async () => {
    const closers = new Closers()
    closers.add(() => new Promise(() => {}))
    await closers.close(log, 1)
    expect(lines.splice(0)).toEqual(['server did not stop in time: what was not acked is sent again'])
  })
})
