import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forAnotherStore } from '../../../agent/followed.ts'
import type { Checkpoint } from '../../../agent/line.ts'
import { gapBetween, nanosOf, rotatedGap, takenUpTo } from '../../../agent/tail/gaps.ts'
import { BEGINNING } from '../../../agent/tail/place.ts'
import type { FakeContainer, Written } from '../fake-container.ts'
import { FakeEngine } from '../fake-engine.ts'
import { Recorder } from '../recorder.ts'

let engine: FakeEngine
let recorders: Recorder[]
beforeEach(async () => {
  engine = await FakeEngine.start()
  recorders = []
})
afterEach(async () => {
  for (const recorder of recorders) await recorder.stop()
  await engine.close()
})

function record(options: ConstructorParameters<typeof Recorder>[1] = {}, before?: Recorder): Recorder {
  const recorder = new Recorder(engine.host, options, before)
  recorders.push(recorder)
  return recorder
}

const gapsOf = ({ gaps }: Recorder) => gaps.map(({ reason, from, to }) => ({ reason, from, to }))
const timeOf = (line: Written | undefined) => nanosOf([line?.seconds ?? 0, line?.nanos ?? 0])

function write(container: FakeContainer, count: number): void {
  for (let i = 0; i < count; i++) container.write(`line ${container.written.length}`)
}

describe('the time up to which lines were taken', () => {
  it.each([
    ['is when the container was made, before its first line', {}, 5n],
    [
      'is the older one of two sources that are out of order',
      { stdout: [10, 0, 0], stderr: [9, 999_999_999, 0] },
      9_999_999_999n,
    ],
    ['is the newer one when a source has long been silent', { stdout: [10, 0, 0], stderr: [3, 0, 0] }, 10_000_000_000n],
  ] as const)('%s', (_, last, expected) => {
    expect(takenUpTo({ ...BEGINNING, last }, 5n)).toBe(expected)
  })
})

it('a gap is one of the clock when the log begins before what was taken', () => {
  expect(rotatedGap(5n, 9n)).toEqual(gapBetween(5n, 9n, 'rotated'))
  expect(rotatedGap(9n, 5n)).toEqual(gapBetween(5n, 9n, 'clock'))
})

describe('a gap', () => {
  it('is told of what is older than the horizon, where there is such a thing', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    const container = engine.container()
    for (let i = 0; i < 3000; i++) container.write(`old ${i}`, { time: now - 3_600_000_000_000n + BigInt(i) })
    for (let i = 0; i < 3000; i++) container.write(`new ${i}`, { time: now + BigInt(i) })
    const young = engine.container({ name: 'young' })
    young.write('young', { time: now })
    const recorder = record({ backfillNs: 600n * 10n ** 9n })
    await recorder.until(() => recorder.lines.length === 3001 && recorder.gaps.length > 0)
    const [gap] = recorder.gaps
    expect(gap).toMatchObject({ reason: 'horizon', atLeast: 1, stream: { containerId: container.id } })
    expect((gap?.to ?? 0n) > now - 700n * 10n ** 9n && (gap?.to ?? 0n) < now).toBe(true)
    expect(recorder.gaps).toHaveLength(1)
  })

  it('is not told of what the server would drop as too old', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    const container = engine.container()
    container.write('old', { time: now - 3_600_000_000_000n })
    container.write('new', { time: now })
    const recorder = record({ retentionMs: () => 600_000 })
    await recorder.until(() => recorder.lines.length === 1 && container.isFollowed)
    expect(recorder.gaps).toEqual([])
  })

  it('is told of history that was removed before it was read', async () => {
    const container = engine.container({ driverOptions: { 'max-size': '10k', 'max-file': '3' } })
    write(container, 5000)
    container.script = (query, response) => {
      if (Number(query.get('tail')) < 5000) return false
      engine.remove(container)
      response.destroy()
      return true
    }
    const recorder = record()
    await recorder.until(() => recorder.gaps.some(({ from }) => from === 0n))
    // What lies before the newest window was the history's to read.
    const last = container.written[container.written.length - recorder.lines.length - 1]
    expect(gapsOf(recorder)).toContainEqual({ reason: 'removed', from: 0n, to: timeOf(last) })
  })

  it('is told of history that was rotated away before it was read', async () => {
    const container = engine.container({ driverOptions: { 'max-size': '10m', 'max-file': '3' } })
    write(container, 5000)
    container.script = (query) => {
      if (Number(query.get('tail')) >= 5000) container.rotate(4500)
      return false
    }
    const recorder = record()
    await recorder.until(() => recorder.gaps.length > 0)
    const [gap] = gapsOf(recorder)
    expect(gap).toMatchObject({ reason: 'rotated', from: 0n })
    const lost = container.written.filter(({ message }) => !recorder.messages.includes(message))
    expect(gap?.to).toBe(timeOf(lost.at(-1)))
  })

  it('is told once of a container that was removed while it could not be read', async () => {
    const container = engine.container()
    write(container, 10)
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 10 && container.isFollowed)
    container.script = (_, response) => {
      response.destroy()
      return true
    }
    container.cut()
    container.write('lost')
    engine.remove(container)
    await recorder.until(() => recorder.gaps.length > 0)
    expect(recorder.gaps[0]).toMatchObject({ reason: 'removed', from: timeOf(container.written[9]) })
  })

  it('is not told of a container that is removed when it was read to its end', async () => {
    const container = engine.container()
    const recorder = record()
    await recorder.until(() => container.isFollowed)
    write(container, 10)
    container.die()
    engine.remove(container)
    await recorder.until(() => recorder.lines.length === 10 && recorder.status.following === 0)
    expect(recorder.gaps).toEqual([])
  })

  it('is told another store of what Docker has thrown away since the store before was sent it', async () => {
    const rotated = engine.container({ driverOptions: { 'max-size': '10k' } })
    write(rotated, 50)
    const kept = engine.container({ name: 'kept', driverOptions: { 'max-size': '10k' } })
    write(kept, 50)
    const first = record()
    await first.until(() => first.lines.length === 100)
    await first.stop()
    rotated.rotate(20)
    const load = (id: string): Checkpoint | undefined => forAnotherStore(first.checkpoints.get(id))
    const second = record({ checkpoints: { load } })
    await second.until(() => second.lines.length === 80 && second.status.following === 2)
    expect(gapsOf(second)).toEqual([
      { reason: 'store', from: timeOf(rotated.written[0]), to: timeOf(rotated.written[20]) },
    ])
    expect(second.gaps[0]?.stream.containerId).toBe(rotated.id)
  })

  it.each([
    ['ends where these begin', 5, 30, [[0, 5]]],
    [
      'ends where these begin, and goes on where they end',
      5,
      10,
      [
        [0, 5],
        [10, 20],
      ],
    ],
    ['begins where these end', 0, 10, [[10, 20]]],
    ['is none when these are all', 0, 30, []],
    ['is what it was when these are younger', 25, 30, [[0, 20]]],
  ])('of what another store had and this one gets of spooled lines %s', async (_, from, to, expected) => {
    const container = engine.container({ driverOptions: { 'max-size': '10k' } })
    write(container, 50)
    const first = record()
    await first.until(() => first.lines.length === 50)
    await first.stop()
    container.rotate(20)
    const at = (line: number) => timeOf(container.written[line])
    const spooled = { from: String(at(from)), to: String(at(to)) }
    const load = (id: string): Checkpoint | undefined => forAnotherStore(first.checkpoints.get(id), spooled)
    const second = record({ checkpoints: { load } })
    await second.until(() => second.lines.length === 30 && container.isFollowed)
    expect(gapsOf(second).map((gap) => [gap.from, gap.to])).toEqual(expected.map((ends) => ends.map(at)))
  })
})
