import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAgain } from '../../agent/followed.ts'
import type { FakeContainer, Written } from './fake-container.ts'
import { FakeEngine } from './fake-engine.ts'
import { Recorder } from './recorder.ts'

let engine: FakeEngine
let container: FakeContainer
let first: Recorder
let second: Recorder | undefined
beforeEach(async () => {
  engine = await FakeEngine.start()
  container = engine.container({ name: 'web', driverOptions: { 'max-size': '10k' } })
  for (let n = 0; n < 10; n++) container.write(`line ${n}`)
  first = new Recorder(engine.host)
  await first.until(() => first.lines.length === 10 && container.isFollowed)
  await first.stop()
})
afterEach(async () => {
  await second?.stop()
  await engine.close()
})

const nanos = (line: Written | undefined) => BigInt(line?.seconds ?? 0) * 10n ** 9n + BigInt(line?.nanos ?? 0)

/** An agent goes on whose spool has lost what it had of the container; up to line 4 all is stored. */
function goOn(): Recorder {
  const checkpoint = first.checkpoints.get(container.id) ?? {}
  first.checkpoints.set(container.id, readAgain(checkpoint, nanos(container.written[4])))
  second = new Recorder(engine.host, {}, first)
  return second
}

describe('a container whose lines were lost with the spool', () => {
  it('is read again, and nothing is missing while Docker has what was not stored', async () => {
    container.rotate(3)
    const recorder = goOn()
    await recorder.until(() => recorder.lines.length === 7 && container.isFollowed)
    expect(recorder.gaps).toEqual([])
    expect(recorder.checkpoints.get(container.id)).not.toHaveProperty('lost')
  })

  it('is a gap from what was stored to where its log begins now', async () => {
    container.rotate(8)
    const recorder = goOn()
    await recorder.until(() => recorder.gaps.length > 0 && recorder.lines.length === 2)
    const [from, to] = [nanos(container.written[4]), nanos(container.written[8])]
    expect(recorder.gaps).toMatchObject([{ reason: 'state', from, to }])
  })

  it('is a gap from what was stored on when it is gone', async () => {
    engine.remove(container)
    const recorder = goOn()
    await recorder.until(() => recorder.gaps.length > 0)
    expect(recorder.gaps).toMatchObject([{ reason: 'state', from: nanos(container.written[4]) }])
  })
})
