import { expect, it } from 'vitest'
import type { Parts } from '../../../../server/store/elasticsearch/parts.ts'
import { search } from '../../../../server/store/elasticsearch/search.ts'
import { tally } from '../../../../server/store/elasticsearch/tally.ts'
import { Gate } from '../../../../server/store/gate.ts'
import { queryOf } from '../records.ts'

it('leaves the row of those who wait when its signal aborts', async () => {
  const gate = new Gate(1, 2)
  const leave = await gate.enter()
  const parts: Partial<Parts> = { gate }
  const controller = new AbortController()
  const { signal } = controller
  const found = search(parts as Parts, queryOf({}), [], signal).next()
  const counted = tally(parts as Parts, queryOf({}), signal, async () => {})
  controller.abort(new Error('gone'))
  await expect(found).resolves.toMatchObject({ done: true })
  await expect(counted).rejects.toThrow('gone')
  const next = gate.enter()
  leave()
  expect(await next).toBeTypeOf('function')
})
