import { describe, expect, it } from 'vitest'
import { Gate } from '../../../server/store/gate.ts'

describe('Gate', () => {
  it('lets who waits go when its signal aborts, and the next one in', async () => {
    const gate = new Gate(1, 2)
    const leave = await gate.enter()
    const controller = new AbortController()
    const gone = gate.enter(controller.signal)
    const next = gate.enter()
    await expect(gate.enter()).rejects.toThrow('too many searches wait')
    controller.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    const last = gate.enter()
    leave()
    ;(await next)()
    ;(await last)()
    await expect(gate.enter(controller.signal)).resolves.toBeTypeOf('function')
  })
})
