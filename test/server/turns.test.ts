import { expect, it } from 'vitest'
import { Turns } from '../../server/turns.ts'

const { signal } = new AbortController()

it('lets so many work, has others wait in order, and refuses the rest', async () => {
  const turns = new Turns(1, 2)
  const ends = [0, 1, 2].map(() => Promise.withResolvers<void>())
  const begun: number[] = []
  const run = (index: number) =>
    turns.run(signal, async () => {
      begun.push(index)
      await ends[index]?.promise
    })
  const works = [0, 1, 2].map(run)
  await expect(turns.run(signal, async () => 'done')).rejects.toMatchObject({
    status: 429,
    message: expect.stringMatching(/^cannot take another query: 2 wait/),
  })
  expect(begun).toEqual([0])
  for (const [index, end] of ends.entries()) {
    end.resolve()
    await works[index]
  }
  expect(begun).toEqual([0, 1, 2])
  expect(await turns.run(signal, async () => 'done')).toBe('done')
})

it('gives no turn to who has left, and passes on the turn of work that fails', async () => {
  const turns = new Turns(1, 2)
  const end = Promise.withResolvers<void>()
  const first = turns.run(signal, () => end.promise)
  const left = new AbortController()
  const gone = turns.run(left.signal, async () => 'gone')
  const next = turns.run(signal, async () => 'next')
  left.abort()
  await expect(gone).rejects.toThrow('aborted')
  end.reject(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  expect(await next).toBe('next')
})

it('keeps the turn of an answer until it ends, or is left', async () => {
  const turns = new Turns(1, 0)
  async function* items() {
    yield* [1, 2, 3]
  }
  for await (const item of turns.over(signal, items())) {
    await expect(turns.run(signal, async () => 'done')).rejects.toMatchObject({ status: 429 })
    if (item === 2) break
  }
  expect(await turns.run(signal, async () => 'done')).toBe('done')
  for await (const _ of turns.over(signal, items()));
  expect(await turns.run(signal, async () => 'done')).toBe('done')
})
