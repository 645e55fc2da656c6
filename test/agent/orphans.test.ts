import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LineTime } from '../../agent/lines.ts'
import { orphansOf } from '../../agent/orphans.ts'
import { lineTime } from '../../agent/tail/piece.ts'
import { nodeStream } from '../../shared/gap.ts'
import type { FakeContainer, Written } from './fake-container.ts'
import { FakeEngine } from './fake-engine.ts'
import { Recorder } from './recorder.ts'

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

function write(container: FakeContainer, count: number): void {
  for (let i = 0; i < count; i++) container.write(`line ${container.written.length}`)
}

const nanos = (line: Written | undefined) => BigInt(line?.seconds ?? 0) * 10n ** 9n + BigInt(line?.nanos ?? 0)
const now = () => BigInt(Date.now()) * 1_000_000n
const hasRead = (recorder: Recorder, container: FakeContainer) =>
  recorder.until(() => recorder.lines.length === container.written.length && container.isFollowed)
const hasEnded = (recorder: Recorder, { id }: FakeContainer) =>
  recorder.until(() => recorder.checkpoints.get(id)?.ended === true)
/** Another container, whose lines show that the first list was worked on. */
const settled = async (recorder: Recorder) => {
  const other = engine.container({ name: 'other' })
  other.write('other')
  await recorder.until(() => recorder.messages.includes('other'))
}

describe('what came and went while no agent ran', () => {
  const passed = (count: number) => {
    for (let n = 0; n < count; n++) engine.remove(engine.container({ running: false }))
  }
  const since = (hadEvents: boolean) => ({ since: { upTo: engine.now, hadEvents } })
  const watching = ({ status }: Recorder) =>
    vi.waitFor(() => expect(status).toMatchObject({ hasEvents: true, inspecting: 0 }), 20_000)
  beforeEach(() => {
    engine.info = { ...engine.info, SystemTime: new Date().toISOString() }
    engine.container({ name: 'first' })
  })

  it.each([
    ['when the engine still has all events since', () => passed(60)],
    ['while nothing went on at all', () => undefined],
  ])('is not in doubt %s', async (_, meanwhile) => {
    const options = since(true)
    meanwhile()
    const recorder = record(options)
    await watching(recorder)
    expect(recorder.gaps).toEqual([])
  })

  it.each([
    ['kept too few events', true, () => passed(130)],
    ['was started anew', true, () => [engine.forgetEvents(), passed(1)]],
    ['was started anew, and has none since', true, () => engine.forgetEvents()],
    ['was not known to have had any, and kept too few', false, () => passed(130)],
  ])('is a gap of the node when the engine %s', async (_, hadEvents, meanwhile) => {
    const options = since(hadEvents)
    meanwhile()
    const recorder = record(options)
    await recorder.until(() => recorder.gaps.length > 0)
    const [gap] = recorder.gaps
    expect(gap).toMatchObject({ reason: 'unwatched', from: options.since.upTo, atLeast: 0 })
    expect(gap?.to).toBeGreaterThan(options.since.upTo)
    expect(gap?.stream).toEqual(nodeStream({ cluster: '', nodeId: 'ENGINE', nodeName: 'fake' }))
    await recorder.stop()
    const next = record(since(true), recorder)
    await settled(next)
    expect(next.gaps).toEqual([])
  })

  it('is not in doubt when the engine was started anew under an agent that listened', async () => {
    const recorder = record(since(true))
    await watching(recorder)
    engine.forgetEvents()
    engine.endEvents()
    const last = engine.container({ name: 'last' })
    last.write('last')
    await recorder.until(() => recorder.messages.includes('last'))
    expect(recorder.gaps).toEqual([])
  })

  it('is a gap when more went on than the engine keeps while the events were away', async () => {
    const recorder = record(since(true))
    await watching(recorder)
    const before = engine.now
    engine.endEvents()
    passed(130)
    await recorder.until(() => recorder.gaps.length > 0)
    expect(recorder.gaps).toMatchObject([{ reason: 'unwatched' }])
    expect(recorder.gaps[0]?.from).toBeLessThanOrEqual(before)
  })
})

describe('a container that was removed while no agent ran', () => {
  it('is a gap from its last line on, with its labels, told once', async () => {
    const container = engine.container({ name: 'web' })
    write(container, 10)
    const first = record()
    await hasRead(first, container)
    await first.stop()
    container.write('lost')
    engine.remove(container)
    const before = now()
    const second = record({}, first)
    await second.until(() => second.gaps.length > 0)
    const [gap] = second.gaps
    expect(gap).toMatchObject({ reason: 'removed', from: nanos(container.written[9]), atLeast: 0 })
    expect(gap?.to).toBeGreaterThanOrEqual(before)
    expect(gap?.stream).toEqual(first.lines[0]?.stream)
    await second.stop()
    const third = record({}, second)
    await settled(third)
    expect(second.gaps).toHaveLength(1)
    expect(third.gaps).toEqual([])
  })

  it('is none when it was dead and read to its end', async () => {
    const container = engine.container()
    write(container, 10)
    const first = record()
    await hasRead(first, container)
    container.die()
    await hasEnded(first, container)
    await first.stop()
    engine.remove(container)
    const second = record({}, first)
    await settled(second)
    expect(second.gaps).toEqual([])
  })

  it('is a gap when it ran again after its end', async () => {
    const container = engine.container()
    write(container, 10)
    const first = record()
    await hasRead(first, container)
    container.die()
    await hasEnded(first, container)
    container.start()
    container.write('again')
    await first.until(() => first.messages.includes('again'))
    await first.stop()
    engine.remove(container)
    const second = record({}, first)
    await second.until(() => second.gaps.length > 0)
    expect(second.gaps).toMatchObject([{ reason: 'removed', from: nanos(container.written.at(-1)) }])
  })

  it('is a gap when it was started again after its end and has said nothing since', async () => {
    const container = engine.container()
    write(container, 10)
    const first = record()
    await hasRead(first, container)
    container.die()
    await hasEnded(first, container)
    container.start()
    await first.until(() => first.checkpoints.get(container.id)?.ended !== true)
    await first.stop()
    container.write('lost')
    engine.remove(container)
    const second = record({}, first)
    await second.until(() => second.gaps.length > 0)
    expect(second.gaps).toMatchObject([{ reason: 'removed', from: nanos(container.written[9]) }])
  })

  it.each([
    ['prints', 10],
    ['is silent', 0],
  ])('is a gap, told once, when it was started again meanwhile, as events tell, of one that %s', async (_, count) => {
    const container = engine.container()
    write(container, count)
    const first = record()
    await first.until(() => first.lines.length === count && container.isFollowed)
    container.die()
    await hasEnded(first, container)
    await first.stop()
    const since = engine.now
    engine.pass(5_000_000_000n)
    container.start()
    const from = engine.now
    container.write('lost')
    container.die()
    engine.remove(container)
    const second = record({ since: { upTo: since, hadEvents: false } }, first)
    await second.until(() => second.gaps.length > 0)
    expect(second.gaps).toMatchObject([{ reason: 'removed', from, to: engine.now }])
    await second.stop()
    const third = record({ since: { upTo: since, hadEvents: false } }, second)
    const last = engine.container({ name: 'last' })
    last.write('last')
    await third.until(() => third.messages.includes('last'))
    expect(third.gaps).toEqual([])
  })

  it('is a gap when it had not said anything yet', async () => {
    const first = record()
    await settled(first)
    const container = engine.container({ name: 'silent' })
    await first.until(() => first.checkpoints.has(container.id))
    await first.stop()
    container.write('lost')
    engine.remove(container)
    const second = record({}, first)
    await second.until(() => second.gaps.length > 0)
    expect(second.gaps).toMatchObject([{ reason: 'removed', stream: { service: 'silent' } }])
  })

  it('is a gap of what the history reader had not come to', async () => {
    const container = engine.container()
    write(container, 5000)
    container.script = (query) => Number(query.get('tail')) > 4000
    const first = record()
    await first.until(() => first.lines.length > 500 && container.isFollowed)
    container.die()
    await hasEnded(first, container)
    await first.stop()
    engine.remove(container)
    const second = record({}, first)
    await second.until(() => second.gaps.length > 0)
    const oldest = container.written[container.written.length - first.lines.length - 1]
    expect(second.gaps).toMatchObject([{ reason: 'removed', to: nanos(oldest) }])
  })

  it('is learnt from events when it was made meanwhile, too', async () => {
    const first = record()
    await settled(first)
    await first.stop()
    const since = engine.now
    const container = engine.container({ name: 'short' })
    container.write('lost')
    container.die()
    engine.remove(container)
    const second = record({ since: { upTo: since, hadEvents: false } }, first)
    await second.until(() => second.gaps.length > 0)
    expect(second.gaps).toMatchObject([{ reason: 'removed', stream: { containerId: container.id } }])
  })

  it('is told once when events tell of it, too', async () => {
    const first = record()
    await settled(first)
    const since = engine.now
    const container = engine.container({ name: 'short' })
    container.write('read')
    container.die()
    await hasEnded(first, container)
    await first.stop()
    engine.remove(container)
    const second = record({ since: { upTo: since, hadEvents: false } }, first)
    const last = engine.container({ name: 'last' })
    last.write('last')
    await second.until(() => second.messages.includes('last'))
    expect(second.gaps).toEqual([])
  })
})

describe('checkpoints of containers that are gone', () => {
  const stream = { containerId: 'c', containerName: 'web', image: 'i' }
  const live = { prints: [1], last: { stdout: [90, 5, 0] }, open: {}, flushed: {} }
  const head = { at: [40, 0], print: 1 }
  const own = { format: 1, stream, born: '20000000000', horizon: [30, 0], live, history: null, head }
  const told = async (checkpoint: object, isElsewhere = false, oldest: LineTime = [0, 0]) => {
    const gaps = []
    const all = [{ checkpoint: { ...checkpoint }, isElsewhere }]
    for await (const { piece } of orphansOf(all, () => oldest)) gaps.push(...(piece.gaps ?? []))
    return gaps.map(({ reason, from, to }) => [reason, from, to < 10n ** 18n ? to : 'now'])
  }

  it.each([
    ['of an agent that did not keep labels', { ...own, stream: undefined }, false, []],
    ['of one that was running', own, false, [['removed', 90_000_000_005n, 'now']]],
    [
      'of one that another store was sent',
      { ...own, ended: true },
      true,
      [['store', 40n * 10n ** 9n, 90_000_000_005n]],
    ],
    ['of one that ran on then', own, true, [['store', 40n * 10n ** 9n, 'now']]],
    ['of one whose beginning is not known', { ...own, head: undefined }, true, [['store', 30n * 10n ** 9n, 'now']]],
    ['of one that never said anything', { ...own, live: undefined, ended: true }, true, []],
  ])('%s', async (_, checkpoint, isElsewhere, expected) => {
    expect(await told(checkpoint, isElsewhere)).toEqual(expected)
  })

  it('are gaps around what was spooled and the store gets', async () => {
    const all = [{ checkpoint: { ...own, stream, ended: true }, isElsewhere: true }]
    const spooled = (id: string) => (id === 'c' ? { from: '50000000000', to: '80000000000' } : undefined)
    const gaps = []
    for await (const { piece } of orphansOf(all, () => [0, 0], spooled)) gaps.push(...(piece.gaps ?? []))
    expect(gaps).toEqual([
      { reason: 'store', from: 40n * 10n ** 9n, to: 50n * 10n ** 9n, atLeast: 0 },
      { reason: 'store', from: 80n * 10n ** 9n, to: 90_000_000_005n, atLeast: 0 },
    ])
  })

  it('are no gap where the server keeps nothing as old', async () => {
    expect(await told({ ...own, ended: true }, true, lineTime(91_000))).toEqual([])
  })
})
