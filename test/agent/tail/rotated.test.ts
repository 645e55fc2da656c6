import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeContainer } from '../fake-container.ts'
import { FakeEngine } from '../fake-engine.ts'
import { type Recorded, Recorder } from '../recorder.ts'

/** Three files of ten megabytes: no test fills them. */
const LARGE = { 'max-size': '10m', 'max-file': '3' }

/** Ten seconds before the first line. */
const BORN = 1_699_999_990_000_000_000n
const CREATED = new Date(Number(BORN / 1_000_000n)).toISOString()

type Timed = Pick<Recorded, 'seconds' | 'nanos'>

const timeOf = (line: Timed | undefined) => BigInt(line?.seconds ?? 0) * 1_000_000_000n + BigInt(line?.nanos ?? 0)

function write(container: FakeContainer, name: string, count: number): void {
  for (let i = 0; i < count; i++) container.write(`${name} ${i}`)
}

/** The engine throws away all that the log holds, and the container prints on. */
function turnOver(container: FakeContainer, name: string, count: number): void {
  container.rotate(container.frames)
  write(container, name, count)
}

describe('a log that is rotated while it is read', () => {
  let engine: FakeEngine
  const recorders: Recorder[] = []
  beforeEach(async () => {
    engine = await FakeEngine.start()
  })
  afterEach(async () => {
    for (const recorder of recorders.splice(0)) await recorder.stop()
    await engine.close()
  })
  const record = (before?: Recorder, options: ConstructorParameters<typeof Recorder>[1] = {}) => {
    const recorder = new Recorder(engine.host, options, before)
    recorders.push(recorder)
    return recorder
  }
  const gapsOf = ({ gaps }: Recorder) => gaps.map(({ reason, from, to }) => ({ reason, from, to }))
  /** A container of which so many lines were read, by an agent that has stopped. */
  const readBefore = async (count: number) => {
    const container = engine.container({ driverOptions: LARGE })
    write(container, 'old', count)
    const first = record()
    await first.until(() => first.lines.length === count)
    await first.stop()
    return { container, first }
  }
  const written = (container: FakeContainer, text: string) =>
    timeOf(container.written.find(({ message }) => message === text))

  it('is not read as history where that has been thrown away: what is new is for the live tail, or in its gap', async () => {
    const container = engine.container({ driverOptions: LARGE })
    write(container, 'old', 5000)
    let isTurned = false
    container.script = (query, response) => {
      if (query.get('follow') === '1' && !isTurned) {
        response.destroy()
        return true
      }
      // The history asks first.
      if (Number(query.get('tail')) >= 5000 && !isTurned) {
        isTurned = true
        turnOver(container, 'missed', 500)
      } else if (isTurned && query.get('tail') === '100') {
        container.script = undefined
        turnOver(container, 'new', 50)
      }
      return false
    }
    const recorder = record()
    await recorder.until(() => recorder.messages.includes('new 49') && recorder.gaps.length >= 2)
    expect(recorder.messages.filter((message) => message.startsWith('missed'))).toEqual([])
    const last = written(container, 'old 4999')
    expect(gapsOf(recorder)).toContainEqual({ reason: 'rotated', from: last, to: written(container, 'new 0') })
  })

  it('is read as history where the clock was set back, though it seems to begin behind that', async () => {
    const container = engine.container({ driverOptions: LARGE })
    const hour = 3_600_000_000_000n
    for (let i = 0; i < 3000; i++) container.write(`early ${i}`, { time: container.tick() + hour })
    write(container, 'late', 3000)
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 6000)
    expect(new Set(recorder.messages).size).toBe(6000)
    expect(recorder.gaps).toEqual([])
  })

  it.each([
    ['once', 1],
    ['each time that it is looked at', 1000],
  ])('is not taken for damaged when its newest line is thrown away, %s', async (_, times) => {
    const { container, first } = await readBefore(50)
    turnOver(container, 'turn 0', 40)
    let turns = 0
    container.script = (query) => {
      if (query.get('tail') === '1' && turns < times) {
        turns += 1
        setImmediate(() => turnOver(container, `turn ${turns}`, 40))
      }
      return false
    }
    const second = record(first)
    await second.until(() => second.lines.length >= 40)
    const [head] = second.lines
    expect(gapsOf(second)).toEqual([{ reason: 'rotated', from: written(container, 'old 49'), to: timeOf(head) }])
    // Windows of 4 frames and more are for holes: to look for one takes long in a log that is rotated fast.
    expect(engine.requests.some((path) => path.includes('tail=4&'))).toBe(times > 1)
  })

  it('is not taken for damaged when it has fewer lines than it has just shown', async () => {
    const { container, first } = await readBefore(30)
    write(container, 'new', 30)
    container.script = (query) => {
      if (query.get('tail') === '31') container.rotate(container.frames - 5)
      return false
    }
    const second = record(first)
    await second.until(() => second.lines.length === 30 && container.isFollowed)
    expect(container.frames).toBe(5)
    expect(second.gaps).toEqual([])
  })

  it.each([
    ['whose files are full, without what was thrown away first', { 'max-size': '10k', 'max-file': '3' }, 300, true],
    ['that fills its only file in no time, without what it held', { 'max-size': '10k' }, 150, true],
    ['whose files have room', { 'max-size': '10k', 'max-file': '3' }, 10, false],
    ['of a single file that it takes long to fill', { 'max-size': '10m' }, 10, false],
  ])('is read of a new container %s', async (_, driverOptions, count, isLacking) => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    const container = engine.container({ driverOptions, created: CREATED })
    container.script = () => {
      container.script = undefined
      write(container, 'line', 2 * count)
      if (isLacking) container.rotate(count)
      return false
    }
    const read = isLacking ? count : 2 * count
    await recorder.until(() => recorder.lines.length === read && container.isFollowed)
    const gap = { reason: 'rotated', from: BORN, to: timeOf(recorder.lines[0]) }
    expect(gapsOf(recorder)).toEqual(isLacking ? [gap] : [])
  })

  it.each([
    ['all of which a window shows', 600, 300],
    ['that is history for the most part', 5000, 2000],
  ])('lacks what was thrown away while no agent ran, and is told to, of a container %s', async (_, count, gone) => {
    const before = record()
    await before.until(() => before.status.engine === 'reachable')
    await before.stop()
    const driverOptions = { 'max-size': '10k', 'max-file': '3' }
    const known = engine.container({ driverOptions, created: CREATED })
    write(known, 'line', count)
    known.rotate(gone)
    const told: ReturnType<typeof gapsOf>[] = []
    for (const since of [String(BORN), String(BORN + 1n), '']) {
      const recorder = record(before, { knowsSince: () => since })
      await recorder.until(() => recorder.lines.length === count - gone && known.isFollowed)
      // The history's last piece comes after its lines.
      await recorder.until(() => [...recorder.checkpoints.values()].every(({ history }) => history === null))
      told.push(gapsOf(recorder))
      await recorder.stop()
    }
    const gap = { reason: 'rotated', from: BORN, to: written(known, `line ${gone}`) }
    expect(told).toEqual([[gap], [], []])
  })

  it.each([
    ['where the follow of its first file had come', {}, true],
    ['before, when labels make it unknown how full that is', { labels: 'app' }, false],
  ])('is read window by window while it is fast, from %s', async (_, options, isExact) => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    const container = engine.container({ driverOptions: { 'max-size': '10k', 'max-file': '3', ...options } })
    await recorder.until(() => container.isFollowed)
    write(container, 'line', 20)
    await recorder.until(() => recorder.lines.length === 20)
    container.script = () => {
      container.script = undefined
      turnOver(container, 'new', 20)
      return false
    }
    write(container, 'fast', 60)
    await recorder.until(() => recorder.messages.includes('new 19'))
    const [gap, ...others] = gapsOf(recorder)
    expect(gap).toMatchObject({ reason: 'rotated', to: written(container, 'new 0') })
    expect(gap?.from === written(container, 'fast 59')).toBe(isExact)
    expect(others).toEqual([])
    expect(container.isFollowed).toBe(false)
    await recorder.until(() => container.isFollowed)
    expect(engine.requests.filter((path) => path.includes('/logs?') && path.includes('follow=1'))).toHaveLength(2)
  })

  it('is read to its end though its container is removed at once', async () => {
    const recorder = record()
    await recorder.until(() => recorder.status.engine === 'reachable')
    const container = engine.container({ driverOptions: { 'max-size': '10k' }, created: CREATED })
    await recorder.until(() => container.isFollowed)
    container.write('first')
    await recorder.until(() => recorder.lines.length === 1)
    container.write('last')
    container.die()
    engine.remove(container)
    await recorder.until(() => recorder.status.following === 0)
    expect(recorder.messages).toEqual(['first', 'last'])
    expect(recorder.gaps).toEqual([])
  })

  it('is read from its first line on, however much comes between the look that found none and the follow', async () => {
    const container = engine.container({ driverOptions: LARGE })
    container.script = (query) => {
      if (query.get('follow') === '1') {
        container.script = undefined
        write(container, 'line', 150)
      }
      return false
    }
    const recorder = record()
    await recorder.until(() => recorder.messages.includes('line 149'))
    expect(recorder.lines).toHaveLength(150)
  })
})
